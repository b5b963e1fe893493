import type { Environment } from "./environment.ts";
import type { Ask } from "./http.ts";
import { without } from "./list.ts";

// The floor under everything else: five requests at once, and then one each 200 ms. A client that
// works needs fewer, except in a room where polls are answered many times a second.
const AT_ONCE = 5;
const APART_MS = 200;

/** Requests that begin in order, and never more than a few in a second. */
export type Throttle = {
  environment: Environment;
  /** How many requests may begin at once, and when that was counted. */
  left: number;
  countedAt: number;
  waiting: (() => void)[];
  isTimerSet: boolean;
};

/** Creates a throttle. */
export function createThrottle(environment: Environment): Throttle {
  return { environment, left: AT_ONCE, countedAt: environment.now(), waiting: [], isTimerSet: false };
}

/**
 * Opens something as soon as it may be opened. `failed` is called, later, if an API of the
 * environment throws. Returns how to give it up.
 */
export function begin(throttle: Throttle, open: () => () => void, failed: () => void): () => void {
  let close = () => {
    throttle.waiting = without(throttle.waiting, run);
  };
  throttle.waiting.push(run);
  beginNext(throttle);
  return () => close();

  function run(): void {
    close = attempt(throttle.environment, open, failed);
  }
}

/** Returns the same requests, throttled. An environment that throws has not answered. */
export function throttled(throttle: Throttle, ask: Ask): Ask {
  return (request, done) =>
    begin(
      throttle,
      () => ask(request, done),
      () => done({ status: 0, text: "" }),
    );
}

/**
 * Opens something by an API of the environment. If that throws, `failed` is called later. Returns
 * how to close it.
 */
export function attempt(environment: Environment, open: () => () => void, failed: () => void): () => void {
  try {
    return open();
  } catch (_refused) {
    return environment.later(0, failed);
  }
}

function beginNext(throttle: Throttle): void {
  const { environment, countedAt } = throttle;
  const now = environment.now();
  // The clock may have been set back.
  throttle.left = Math.min(AT_ONCE, throttle.left + Math.max(0, now - countedAt) / APART_MS);
  throttle.countedAt = now;
  while (throttle.left >= 1 && throttle.waiting.length > 0) {
    const run = throttle.waiting[0] as () => void;
    throttle.waiting = without(throttle.waiting, run);
    throttle.left--;
    run();
  }
  if (throttle.waiting.length === 0 || throttle.isTimerSet) return;
  throttle.isTimerSet = true;
  environment.later(Math.ceil((1 - throttle.left) * APART_MS), () => {
    throttle.isTimerSet = false;
    beginNext(throttle);
  });
}
