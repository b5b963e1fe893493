import type { Clock } from "../base/environment.ts";

const FIRST_MS = 500;
// Outages of seconds are the common ones: for the first minute nobody is more than three seconds late to see their end.
const LONGEST_AT_FIRST_MS = 3_000;
const AT_FIRST_MS = 60_000;
const LONGEST_MS = 30_000;

/** How long to wait before the next attempt; it never says "never". */
export type Backoff = {
  /** The next delay in milliseconds; `floorMs` is what the server asked for (`Retry-After`). */
  next(floorMs?: number): number;
  reset(): void;
};

/**
 * Full jitter: a random part of 0.5, 1, 2, 3, 3… seconds, after a minute of 6, 12, 24, 30, 30…, so that a crowd that was
 * cut off together does not come back together. A wish of the server's is a floor, stretched by up to a quarter for the
 * same reason.
 */
export function createBackoff(environment: Clock): Backoff {
  let failures = 0;
  let ceiling = 0;
  let since = 0;
  return {
    next(floorMs) {
      const now = environment.now();
      // the clock may have been set back: then this minute begins anew
      if (failures === 0 || now < since) since = now;
      failures++;
      const longest = now - since < AT_FIRST_MS ? LONGEST_AT_FIRST_MS : LONGEST_MS;
      ceiling = Math.min(longest, failures === 1 ? FIRST_MS : ceiling * 2);
      const delay = environment.random() * ceiling;
      return floorMs === undefined ? delay : Math.max(delay, floorMs * (1 + environment.random() / 4));
    },
    reset() {
      failures = 0;
    },
  };
}
