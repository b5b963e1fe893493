import type { Environment } from "./environment.ts";
import type { Ask } from "./http.ts";
import { without } from "./list.ts";

// The floor under everything else: five requests at once, and then one each 200 ms. A client that
// works needs fewer, except in a room where polls are answered many times a second.
const AT_ONCE = 5;
const APART_MS = 200;
// Some networks serve two connections and let further ones wait until one of these is closed.
const MOST_OPEN = 2;
// A message may follow the signal of its first key at once. Other people see no difference.
const SPARE_MS = 200;
// A browser closes the connection of a request that was given up a few milliseconds later.
const CLOSING_MS = 20;

/** The requests of one client that are open. */
export type Places = {
  taken: number;
  /** A request that may be lost, and how to give it up. */
  spare?: { throttle: Throttle; stop(): void } | undefined;
};

/** Requests that begin in order, and never more than a few in a second. */
export type Throttle = {
  environment: Environment;
  places: Places;
  /** How many requests may begin at once, and when that was counted. */
  left: number;
  countedAt: number;
  waiting: (() => void)[];
  isTimerSet: boolean;
};

/** Creates a throttle. Those of one client share their places. */
export function createThrottle(environment: Environment, places: Places = { taken: 0 }): Throttle {
  return { environment, places, left: AT_ONCE, countedAt: environment.now(), waiting: [], isTimerSet: false };
}

/**
 * Opens something as soon as it may be opened. `open` gets a function to be called when it has
 * ended. `failed` is called, later, if an API of the environment throws. Returns how to give it up.
 */
export function begin(throttle: Throttle, open: (ended: () => void) => () => void, failed: () => void): () => void {
  let close = () => {
    throttle.waiting = without(throttle.waiting, run);
  };
  throttle.waiting.push(run);
  beginNext(throttle);
  return () => close();

  function run(): void {
    const isClosing = makeRoom(throttle);
    const leave = takePlace(throttle.places);
    const start = () =>
      attempt(
        throttle.environment,
        () => open(leave),
        () => {
          leave();
          failed();
        },
      );
    const hangUp = openIn(throttle.environment, isClosing ? CLOSING_MS : 0, start);
    close = () => {
      leave();
      hangUp();
    };
  }
}

/** Returns the same requests, throttled. An environment that throws has not answered. */
export function throttled(throttle: Throttle, ask: Ask): Ask {
  return (request, done) =>
    begin(
      throttle,
      (ended) =>
        ask(request, (answer) => {
          ended();
          done(answer);
        }),
      () => done({ status: 0, text: "" }),
    );
}

/**
 * Returns the same requests, for signals that may be lost. One begins a moment later, only while a
 * connection is free, and is given up as soon as another request of the same throttle begins, or
 * needs its connection. A message that waited behind it for a third connection would wait for
 * seconds.
 */
export function spared(throttle: Throttle, ask: Ask): Ask {
  const { places, environment } = throttle;
  const begins = throttled(throttle, ask);
  return (request, done) => {
    if (places.spare) places.spare.stop();
    const stop = openIn(environment, SPARE_MS, () => {
      const isFree = places.taken < MOST_OPEN && throttle.waiting.length === 0;
      // Its own beginning must not give it up.
      places.spare = undefined;
      const end = isFree ? begins(request, done) : () => {};
      places.spare = { throttle, stop: end };
      return end;
    });
    places.spare = { throttle, stop };
    return stop;
  };
}

/** Opens something after this time; at once if it is not positive. Returns how to give it up. */
export function openIn({ later }: Environment, ms: number, open: () => () => void): () => void {
  let hangUp =
    ms > 0
      ? later(ms, () => {
          hangUp = open();
        })
      : open();
  return () => hangUp();
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

/** Gives up the request that may be lost. Returns whether its connection is being closed now. */
function makeRoom(throttle: Throttle): boolean {
  const { places } = throttle;
  const { spare, taken } = places;
  if (spare === undefined || (spare.throttle !== throttle && taken < MOST_OPEN)) return false;
  places.spare = undefined;
  spare.stop();
  return places.taken < taken;
}

/** Counts a request that begins. Returns a function to be called when it has ended. */
function takePlace(places: Places): () => void {
  let isOver = false;
  places.taken++;
  return () => {
    if (!isOver) places.taken--;
    isOver = true;
  };
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
