import type { Misbehaviour } from "./proxy.ts";

/** Lets `count` requests through at a time. The others wait until one has ended. */
export function atMost(count: number): Misbehaviour {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (asked, pass) => {
    if (running >= count) await new Promise<void>((resolve) => waiting.push(resolve));
    running += 1;
    const leave = () => {
      running -= 1;
      waiting.shift()?.();
    };
    if (asked.over.aborted) leave();
    else asked.over.addEventListener("abort", leave);
    return pass(asked);
  };
}
