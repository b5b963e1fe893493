import { CONFIRM_MS } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { Http } from "./http.ts";
import type { Link } from "./link.ts";
import { createNonce, type Outside } from "./outside.ts";
import { readOurs } from "./poll.ts";
import { type Address, param } from "./url.ts";

const TIMEOUT_MS = 5_000;
// A ping of 15 s comes two times between this and the end of the server's patience.
const RETRY_MS = 5_000;

/** Makes one request that says that the stream of this nonce arrives. Returns how to give it up; `done` is called later. */
export type Confirm = (nonce: string, done: (isTaken: boolean) => void) => () => void;

/** Confirms the stream that carries, so that the server knows that somebody is there. */
export type Confirmation = {
  isUnderWay(): boolean;
  /** Something came by this stream. That is the clock: a hidden page's timers run once a minute, its network as always. */
  received(stream: Link): void;
  /** Another request goes first, or the stream is gone. */
  stop(): void;
};

/** By a GET whose parameters are in the path, which passes wherever polls do. It needs no token: the nonce is enough. */
export function createConfirm(outside: Outside, http: Http, address: Address): Confirm {
  return (stream, done) => {
    const nonce = createNonce(outside);
    const url = address.base + PATHS.here + param("stream", stream) + param("n", nonce);
    return http.ask({ method: "GET", url, timeoutMs: TIMEOUT_MS }, ({ status, text }) =>
      done(status === 200 && readOurs(http, text, nonce) !== undefined),
    );
  };
}

/** Confirms nothing while `mayAsk` says no, and nothing at all without `confirm`. */
export function createConfirmation(
  outside: Outside,
  confirm: Confirm | undefined,
  mayAsk: () => boolean,
): Confirmation {
  let nonce = "";
  let dueAt = 0;
  let hangUp: (() => void) | undefined;

  return {
    isUnderWay: () => hangUp !== undefined,
    received({ openedAt, reading }) {
      const now = outside.now();
      // Opening a stream was a request.
      if (reading.nonce !== nonce) dueAt = openedAt + CONFIRM_MS;
      nonce = reading.nonce;
      // The clock may have been set back.
      const isDue = now >= dueAt || dueAt - now > CONFIRM_MS;
      if (confirm === undefined || hangUp !== undefined || !isDue || !mayAsk()) return;
      dueAt = now + RETRY_MS;
      hangUp = confirm(nonce, (isTaken) => {
        hangUp = undefined;
        // A confirmation that failed blames nobody: the next ping brings the next one.
        if (isTaken) dueAt = outside.now() + CONFIRM_MS;
      });
    },
    stop() {
      hangUp?.();
      hangUp = undefined;
    },
  };
}
