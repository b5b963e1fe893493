import type { RoomEvent } from "../protocol/event.ts";

/** The end of a handle: `undefined` if it was closed, else why it reads nothing more. */
export type HandleEnd = { reason: Error | undefined };

/**
 * Collects events for a `for await` loop, from the moment in which the loop begins. Events wait in
 * memory until the loop takes them.
 */
export function iterate(
  hear: (take: (event: RoomEvent) => void) => () => void,
  onEnd: (run: (end: HandleEnd) => void) => () => void,
): AsyncIterableIterator<RoomEvent> {
  const waiting: RoomEvent[] = [];
  let end: HandleEnd | undefined;
  let wake = () => {};
  const stops = [
    hear((event) => {
      waiting.push(event);
      wake();
    }),
    onEnd((reason) => {
      end = reason;
      wake();
    }),
  ];
  const stop = () => {
    for (const one of stops) one();
    waiting.length = 0;
    end ??= { reason: undefined };
    wake();
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      while (waiting.length === 0 && end === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const value = waiting.shift();
      if (value !== undefined) return { done: false, value };
      if (end?.reason !== undefined) {
        const { reason } = end;
        end = { reason: undefined };
        throw reason;
      }
      return { done: true, value: undefined };
    },
    async return() {
      stop();
      return { done: true, value: undefined };
    },
  };
}
