import { createNonce, type Environment } from "../base/environment.ts";
import type { Ledger } from "./ledger.ts";
import type { Reading } from "./transport.ts";

/** What is known of the way to the server now, and what the next request over it says. */
export type Requests = {
  /** The time there and back in milliseconds, 0 while it is not known. */
  rttMs(): number;
  measured(rttMs: number): void;
  /** Something of ours came. */
  heard(): void;
  heardSince(at: number): boolean;
  /** A kept-alive connection has died in silence: later polls ask for theirs to be closed. */
  died(): void;
  poll(wait: number, graceMs: number): Reading;
  /** A question beside what carries: rare, and asked when connections are doubted; so it leaves none to be used again. */
  question(graceMs: number): Reading;
  stream(ping: number, late: boolean): Reading;
};

/** The way as it is before anything came over it; `rttMs` is a guess. */
export function createRequests(environment: Environment, ledger: Ledger, rttMs: number): Requests {
  let heardAt = -1;
  let once = false;

  function reading(wait: number, graceMs: number, ping: number, late: boolean, isOnce: boolean): Reading {
    const nonce = createNonce(environment);
    return { rooms: ledger.rooms(), after: ledger.after(), nonce, wait, graceMs, ping, late, once: isOnce };
  }

  return {
    rttMs: () => rttMs,
    measured(ms) {
      rttMs = ms;
    },
    heard() {
      heardAt = environment.now();
    },
    // the clock may have been set back: what was heard in the future is no proof
    heardSince: (at) => heardAt > at && heardAt <= environment.now(),
    died() {
      once = true;
    },
    poll: (wait, graceMs) => reading(wait, graceMs, 0, false, once),
    question: (graceMs) => reading(0, graceMs, 0, false, true),
    stream: (ping, late) => reading(0, 0, ping, late, false),
  };
}
