import type { Environment } from "./core/base/environment.ts";

/** The core's clock, chance and timers, in a browser of any age and in Node. */
export const environment: Environment = {
  // biome-ignore lint/complexity/useDateNow: [IE8] has no Date.now
  now: () => new Date().getTime(),
  random: Math.random,
  later(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
