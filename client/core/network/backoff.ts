import type { Clock } from "../base/environment.ts";

const FIRST_MS = 500;
// Most outages last seconds. For the first minute, no client notices the end over two seconds
// late.
const LONGEST_AT_FIRST_MS = 2_000;
const AT_FIRST_MS = 60_000;
const LONGEST_MS = 30_000;

/** Attempts that failed in a row, and how long to wait before the next one. It never gives up. */
export type Backoff = {
  clock: Clock;
  failures: number;
  /** The longest that the last delay could have been, in milliseconds. */
  ceilingMs: number;
  /** When the first attempt in the row failed. */
  since: number;
};

/** Creates a back-off before any failure. */
export function createBackoff(clock: Clock): Backoff {
  return { clock, failures: 0, ceilingMs: 0, since: 0 };
}

/**
 * Returns the next delay in milliseconds, after one more failure. Full jitter: a random part of
 * 0.5, 1, 2, 2, 2… seconds, after a minute of 4, 8, 16, 30, 30…, so that clients that were cut off
 * together do not come back together. `floorMs` is the server's `Retry-After`, stretched by up to a
 * quarter for the same reason.
 */
export function nextDelay(backoff: Backoff, floorMs?: number): number {
  const { clock } = backoff;
  const now = clock.now();
  // If the clock was set back, the minute begins again.
  if (backoff.failures === 0 || now < backoff.since) backoff.since = now;
  backoff.failures++;
  const longestMs = now - backoff.since < AT_FIRST_MS ? LONGEST_AT_FIRST_MS : LONGEST_MS;
  backoff.ceilingMs = Math.min(longestMs, backoff.failures === 1 ? FIRST_MS : backoff.ceilingMs * 2);
  const delayMs = clock.random() * backoff.ceilingMs;
  return floorMs === undefined ? delayMs : Math.max(delayMs, floorMs * (1 + clock.random() / 4));
}

/** Begins again with short delays: an attempt succeeded. */
export function resetBackoff(backoff: Backoff): void {
  backoff.failures = 0;
}
