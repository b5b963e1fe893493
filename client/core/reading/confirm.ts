import { CONFIRM_MS } from "../../../protocol/limits.ts";
import { PATHS } from "../../../protocol/paths.ts";
import { createNonce, type Environment } from "../base/environment.ts";
import type { Answer, Http } from "../base/http.ts";
import type { Link } from "./link.ts";
import { type Address, param } from "./url.ts";

// How long an answer may take, and how soon the next ping may try again.
const PATIENCE_MS = 5_000;

/** Makes one request that says that the stream of this nonce arrives. Returns how to give it up; `done` is called later. */
export type Confirm = (nonce: string, done: (answer: Answer) => void) => () => void;

/** Confirms the stream that is in use, so that the server knows that its client is alive. */
export type Confirmation = {
  /** Something came by this stream. That is the clock: a hidden page's timers run once a minute, its network as always. */
  heard(stream: Link): void;
  /** Stops confirming: another request has priority, or the stream has ended. */
  stop(): void;
};

/** By a GET whose parameters are in the path, which passes wherever polls do. It needs no token: the nonce is enough. */
export function createConfirm(environment: Environment, http: Http, address: Address): Confirm {
  return (stream, done) => {
    const url = address.base + PATHS.here + param("stream", stream) + param("n", createNonce(environment));
    return http.ask({ method: "GET", url, timeoutMs: PATIENCE_MS }, done);
  };
}

/** Confirms nothing while `mayAsk` says no. */
export function createConfirmation(environment: Environment, confirm: Confirm, mayAsk: () => boolean): Confirmation {
  let nonce = "";
  let confirmedAt = 0;
  let hangUp: (() => void) | undefined;

  return {
    heard({ openedAt, reading }) {
      const now = environment.now();
      // Opening a stream was a request.
      if (reading.nonce !== nonce) confirmedAt = openedAt;
      nonce = reading.nonce;
      // The clock may have been set back.
      if (hangUp || Math.abs(now - confirmedAt) < CONFIRM_MS || !mayAsk()) return;
      // If it fails, nobody is blamed: a ping after this time brings the next one.
      confirmedAt = now - (CONFIRM_MS - PATIENCE_MS);
      hangUp = confirm(nonce, ({ status }) => {
        hangUp = undefined;
        // Somebody else's 200 costs one confirmation, which the server's patience allows for.
        if (status === 200) confirmedAt = now;
      });
    },
    stop() {
      hangUp?.();
      hangUp = undefined;
    },
  };
}
