import type { Environment } from "../base/environment.ts";

// What a ping may be late by on its way and in a busy server.
const PING_LATE_MS = 3_000;
// Browsers let a hidden page's timers run once a minute: 60 s and a ping of 15 s.
const HIDDEN_MS = 75_000;
const JUMP_MS = 6_000;
// In a room where messages come every second, three seconds without any are worth a question; where they come once a
// minute, nothing is to be expected before the ping.
const SHORTEST_LULL_MS = 3_000;
const LULL_GAPS = 8;
const BUSY_GAP_MS = 5_000;

/** Watches for the connection that is dead though open. */
export type Liveness = {
  /** Something came; `isEvent`: of the log. `pingMs` from the newest connection: how often it must say something, 0 if it need not. */
  heard(isEvent?: boolean): void;
  expectPing(pingMs: number): void;
  /**
   * To be asked every second. `lull`: a busy room has fallen quiet: ask the log whether it has; `silent`: a ping is missing;
   * `woke`: the clock jumped, the machine has slept.
   */
  check(): "fine" | "lull" | "silent" | "woke";
  /** The question has brought nothing: the room is quiet, the next one waits twice as long. */
  quietIndeed(): void;
  /** Nothing for longer than a ping may take. */
  isSilent(): boolean;
};

/** Compares clocks, never counts ticks: a hidden page's timers come late, a sleeping machine's not at all. */
export function createLiveness(environment: Environment, hidden: () => boolean): Liveness {
  let heardAt = environment.now();
  let checkedAt = heardAt;
  let eventAt = 0;
  let gapMs = 0;
  let doubt = 1;
  let pingMs = 0;

  function isSilent(): boolean {
    if (pingMs === 0) return false;
    const silentMs = environment.now() - heardAt;
    return silentMs > (hidden() ? Math.max(HIDDEN_MS, pingMs + PING_LATE_MS) : pingMs + PING_LATE_MS);
  }

  function isLull(): boolean {
    if (gapMs === 0 || gapMs > BUSY_GAP_MS || hidden()) return false;
    return environment.now() - eventAt > Math.max(SHORTEST_LULL_MS, LULL_GAPS * gapMs) * doubt;
  }

  return {
    heard(isEvent = false) {
      heardAt = environment.now();
      if (!isEvent) return;
      // half the old mean, half the new gap: a few messages after a long pause make a busy room of it
      const gap = heardAt - eventAt;
      if (eventAt !== 0 && gap >= 0) gapMs = gapMs === 0 ? gap : (gapMs + gap) / 2;
      eventAt = heardAt;
      doubt = 1;
    },
    expectPing(ms) {
      pingMs = ms;
      heardAt = environment.now();
    },
    check() {
      const now = environment.now();
      const jump = now - checkedAt;
      checkedAt = now;
      // The clock was set back: count from here, or nothing would be silent until it has caught up.
      if (now < heardAt) heardAt = now;
      if (now < eventAt) eventAt = now;
      if (jump > JUMP_MS && !hidden()) return "woke";
      if (isSilent()) return "silent";
      return isLull() ? "lull" : "fine";
    },
    quietIndeed() {
      doubt *= 2;
    },
    isSilent,
  };
}
