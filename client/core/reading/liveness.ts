// A ping may be this late on its way and in a busy server.
const PING_LATE_MS = 3_000;
// Browsers let a hidden page's timers run once a minute: 60 s and a ping of 15 s.
const HIDDEN_MS = 75_000;
const JUMP_MS = 6_000;
const TICK_MS = 1_000;
// In a room where messages come every second, three seconds without any are worth a question; where
// they come once a minute, nothing is to be expected before the ping.
const SHORTEST_LULL_MS = 3_000;
const LULL_GAPS = 8;
const BUSY_GAP_MS = 5_000;

/**
 * The signs of life of the feed, which may be dead though open. All times are
 * taken from a clock, and no ticks are counted.
 */
export type Liveness = {
  now: number;
  hidden(): boolean;
  /** When something last came by it. */
  heardAt: number;
  checkedAt: number;
  eventAt: number;
  /** The mean time between events, the newest ones first; 0 if it is not known. */
  gapMs: number;
  /** How many times longer a lull must be to be asked about. */
  patience: number;
  /** How often it must say something, 0 if it need not. */
  pingMs: number;
};

/** Creates what is known before anything came. */
export function createLiveness(hidden: () => boolean, now: number): Liveness {
  return { now, hidden, heardAt: now, checkedAt: now, eventAt: 0, gapMs: 0, patience: 1, pingMs: 0 };
}

/** An event came. */
export function heardEvent(liveness: Liveness): void {
  const { now, eventAt, gapMs } = liveness;
  const gap = now - eventAt;
  // Half the old mean, half the new gap. A pause is not part of the pace: two messages after it
  // make a busy room of it again.
  if (eventAt !== 0 && gap >= 0) liveness.gapMs = gap > BUSY_GAP_MS ? 0 : gapMs === 0 ? gap : (gapMs + gap) / 2;
  liveness.heardAt = liveness.eventAt = now;
  liveness.patience = 1;
}

/** The feed is another connection, which must say something this often; 0: it need not. */
export function expectPing(liveness: Liveness, pingMs: number): void {
  liveness.pingMs = pingMs;
  liveness.heardAt = liveness.now;
}

/**
 * To be called after `nextCheckMs`. `lull`: a busy room has fallen quiet, and the log knows whether
 * it has; `silent`: a ping is missing; `woke`: the clock jumped, the machine has slept.
 */
export function check(liveness: Liveness): "fine" | "lull" | "silent" | "woke" {
  const { now, hidden } = liveness;
  const jumpMs = now - liveness.checkedAt;
  liveness.checkedAt = now;
  // The clock was set back: count from here, or nothing would be silent until it has caught up.
  liveness.heardAt = Math.min(now, liveness.heardAt);
  liveness.eventAt = Math.min(now, liveness.eventAt);
  if (jumpMs > JUMP_MS && !hidden()) return "woke";
  if (isSilent(liveness)) return "silent";
  return isLull(liveness) ? "lull" : "fine";
}

/** Whether nothing came for longer than a ping may take. */
export function isSilent(liveness: Liveness): boolean {
  return liveness.pingMs > 0 && leftMs(liveness) < 0;
}

/** Returns after how many milliseconds to check again: a second, or when a ping is missing. */
export function nextCheckMs(liveness: Liveness): number {
  const ms = Math.ceil(leftMs(liveness)) + 1;
  return liveness.pingMs > 0 && ms > 0 ? Math.min(TICK_MS, ms) : TICK_MS;
}

/** Returns how much longer nothing may come. */
function leftMs({ now, hidden, heardAt, pingMs }: Liveness): number {
  const longestMs = pingMs + PING_LATE_MS;
  return (hidden() ? Math.max(HIDDEN_MS, longestMs) : longestMs) - (now - heardAt);
}

function isLull({ now, hidden, eventAt, gapMs, patience }: Liveness): boolean {
  if (gapMs === 0 || hidden()) return false;
  return now - eventAt > Math.max(SHORTEST_LULL_MS, LULL_GAPS * gapMs) * patience;
}
