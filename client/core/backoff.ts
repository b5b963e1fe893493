import type { Outside } from "./outside.ts";

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/** How long to wait before the next attempt; it never says "never". */
export type Backoff = {
  /** The next delay in milliseconds; `floorMs` is what the server asked for (`Retry-After`). */
  next(floorMs?: number): number;
  reset(): void;
};

/**
 * Full jitter: a random part of 0.5, 1, 2, 4, 8, 16, 30, 30… seconds, so that a crowd that was cut off together does not
 * come back together. A wish of the server's is a floor, stretched by up to a quarter for the same reason.
 */
export function createBackoff(outside: Outside): Backoff {
  let failures = 0;
  return {
    next(floorMs) {
      const ceiling = failures > 5 ? LONGEST_MS : FIRST_MS * 2 ** failures;
      failures++;
      const delay = outside.random() * ceiling;
      return floorMs === undefined ? delay : Math.max(delay, floorMs * (1 + outside.random() / 4));
    },
    reset() {
      failures = 0;
    },
  };
}
