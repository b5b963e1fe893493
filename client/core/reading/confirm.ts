import { CONFIRM_MS } from "../../../protocol/limits.ts";
import { PATHS } from "../../../protocol/paths.ts";
import { type Address, param, placed } from "../base/address.ts";
import { createNonce, type Environment } from "../base/environment.ts";
import type { Answer, Http } from "../base/http.ts";
import type { Link } from "./link.ts";
import { order } from "./orders.ts";
import { mayProve } from "./phase.ts";
import type { State } from "./state.ts";

// How long an answer may take, and how soon the next ping may try again.
const PATIENCE_MS = 5_000;

/**
 * Makes one request that says that the stream of this nonce arrives. Returns how to give it up;
 * `done` is called later.
 */
export type Confirm = (nonce: string, done: (answer: Answer) => void) => () => void;

/**
 * By a GET whose parameters are in the path, which passes wherever polls do. It needs no token: the
 * nonce is enough.
 */
export function createConfirm(environment: Environment, http: Http, address: Address): Confirm {
  return (stream, done) => {
    const url = address.base + PATHS.here + param("stream", stream) + param("n", createNonce(environment));
    return http.ask({ method: "GET", url: placed(address, url), timeoutMs: PATIENCE_MS }, done);
  };
}

/**
 * Confirms the stream that is the feed, so that the server knows that its client is alive: every
 * 20 s, when something arrives. That is the clock: a hidden page's timers run once a minute, its
 * network as always.
 */
export function confirm(state: State, stream: Link): void {
  const { now, isConfirming, candidate } = state;
  // The clock may have been set back.
  const isRecent = Math.abs(now - stream.confirmedAt) < CONFIRM_MS;
  if (isRecent || isConfirming || candidate !== undefined || !mayProve(state)) return;
  // If it fails, nobody is blamed: a ping after this time brings the next one.
  stream.confirmedAt = now - (CONFIRM_MS - PATIENCE_MS);
  state.isConfirming = true;
  order(state, { kind: "confirm", stream });
}

/**
 * A confirmation was answered. A 200 from elsewhere costs one confirmation, which the server's
 * patience allows for.
 */
export function confirmed(state: State, link: Link, status: number): void {
  state.isConfirming = false;
  // The time at which it was asked.
  if (status === 200) link.confirmedAt += CONFIRM_MS - PATIENCE_MS;
}

/** Gives the confirmation up: another request has priority, or the stream has ended. */
export function stopConfirming(state: State): void {
  if (state.isConfirming) order(state, { kind: "unconfirm" });
  state.isConfirming = false;
}
