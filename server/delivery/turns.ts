/** Runs a task of a network when it is that network's turn. */
export type Turns = <T>(network: string, task: () => Promise<T>) => Promise<T>;

/**
 * Creates a queue that runs `limit` tasks at a time and takes the networks in turn, so that a
 * network with a thousand tasks delays another's by one task, not by a thousand.
 */
export function createTurns(limit: number): Turns {
  const waiting = new Map<string, (() => void)[]>();
  let running = 0;

  return (network, task) =>
    new Promise((resolve, reject) => {
      const start = () => void task().then(resolve, reject).finally(next);
      if (running < limit) {
        running += 1;
        start();
        return;
      }
      const others = waiting.get(network);
      if (others) others.push(start);
      else waiting.set(network, [start]);
    });

  function next(): void {
    for (const [network, [start, ...others]] of waiting) {
      waiting.delete(network);
      // Its next task comes after one of every other network.
      if (others.length > 0) waiting.set(network, others);
      start?.();
      return;
    }
    running -= 1;
  }
}
