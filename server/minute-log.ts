const MINUTE_MS = 60_000;

/**
 * Returns a function that counts calls, of which there may be thousands a second. `log` gets the
 * count at the first call, and then once a minute while there are calls.
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
