import type { Environment } from "../../client/core/base/environment.ts";

/**
 * A clock that a test moves by hand, with timers that follow it and chance that the test chooses.
 */
export type World = {
  environment: Environment;
  /** Lets time pass; timers run in their order. */
  pass(ms: number): void;
  /** The machine sleeps: the clock advances, but timers do not run until it wakes. */
  sleep(ms: number): void;
  /** Sets the clock forward or back. Timers do not change. */
  setClock(ms: number): void;
  /** Timers that are still waiting. */
  timers(): number;
};

/** Creates a world. By default `random` always returns 0.5. */
export function createWorld(random = () => 0.5): World {
  let now = 1_000_000;
  let skew = 0;
  let timers: { at: number; order: number; run: () => void }[] = [];
  let order = 0;
  const next = (until: number) =>
    timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at || a.order - b.order)[0];
  return {
    environment: {
      now: () => now + skew,
      random,
      later(ms, run) {
        const timer = { at: now + ms, order: order++, run };
        timers.push(timer);
        return () => {
          timers = timers.filter((other) => other !== timer);
        };
      },
    },
    pass(ms) {
      const until = now + ms;
      for (let timer = next(until); timer !== undefined; timer = next(until)) {
        const due = timer;
        timers = timers.filter((other) => other !== due);
        now = Math.max(now, due.at);
        due.run();
      }
      now = until;
    },
    sleep(ms) {
      now += ms;
    },
    setClock(ms) {
      skew += ms;
    },
    timers: () => timers.length,
  };
}
