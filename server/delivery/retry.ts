/**
 * Returns after how many milliseconds a reader that is sent away is to come back. A crowd is spread
 * over 2 ms per reader, twice what it takes to admit one, so 10,000 come back within 21 s; a few
 * come back within one to three seconds.
 */
export function retryMs(crowd: number): number {
  return Math.round(1000 + Math.random() * Math.max(2000, crowd * 2));
}
