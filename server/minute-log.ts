const MINUTE_MS = 60_000;

/**
 * Returns a function that counts what may happen thousands of times a second. `log` gets the count
 * at the first time, and then once a minute as long as there is something to count.
 */
export function countByTheMinute(log: (count: number) => void): () => void {
  let count = 0;
  let timer: NodeJS.Timeout | undefined;
  return () => {
    count += 1;
    if (timer === undefined) report();
  };

  function report(): void {
    timer = undefined;
    if (count === 0) return;
    log(count);
    count = 0;
    timer = setTimeout(report, MINUTE_MS).unref();
  }
}
