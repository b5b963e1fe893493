/** How far the site's time is ahead of this machine's. Tests move it; everywhere else it is 0. */
let aheadMs = 0;

/** Returns the site's time, in milliseconds since 1970. */
export function wallNow(): number {
  return Date.now() + aheadMs;
}

/** Returns the site's time on the clock that nobody sets, in milliseconds. */
export function steadyNow(): number {
  return performance.now() + aheadMs;
}

/** Moves the time of all sites of this process to `ms` ahead of the machine's, and never back. */
export function moveClockTo(ms: number): void {
  aheadMs = Math.max(aheadMs, ms);
}

/** Returns how far the time of this process was moved, in milliseconds. */
export function clockAhead(): number {
  return aheadMs;
}
