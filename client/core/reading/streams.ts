import { resetBackoff } from "../network/backoff.ts";
import { climb, proved } from "../network/ladder.ts";
import { learn } from "../network/network.ts";
import { lasted, streamLifeMs } from "../network/pace.ts";
import { stopConfirming } from "./confirm.ts";
import type { Link } from "./link.ts";
import { expectPing } from "./liveness.ts";
import { order, report, wakeIn } from "./orders.ts";
import { mayProve } from "./phase.ts";
import { stopPolling } from "./polls.ts";
import { createRequest, drop } from "./requests.ts";
import type { State } from "./state.ts";
import type { Transport } from "./transport.ts";

const UNKNOWN_HELLO_MS = 3_000;
const SHORTEST_HELLO_MS = 1_500;
// Where a round trip takes a second, a lost packet takes two or three more.
const LONGEST_HELLO_MS = 5_000;
const SHORTEST_SECOND_FRAME_MS = 3_000;
const LONGEST_DELAY_MS = 30_000;

/**
 * Opens a stream to be proved if one is due: the first, a better one, or the successor of one that
 * grows old.
 */
export function prove(state: State): void {
  const { stream, late, now } = state;
  const rung = dueRung(state);
  if (rung === undefined || state.candidate !== undefined || !mayProve(state)) return;
  if (state.waitsForServer && stream === undefined) return;
  // A clock that was set back must not put it off for hours.
  if (state.proveAt - now > LONGEST_DELAY_MS) state.proveAt = now;
  if (now < state.proveAt) return;
  if (stream !== undefined && state.renewAt > 0 && rung === stream.rung) lasted(state);
  state.renewAt = 0;
  const ping = state.hidden() ? 0 : state.pingSeconds;
  const link = createRequest(state, state.streams[rung] as Transport, { ping, late });
  link.rung = rung;
  // The second request is this one, which is a sign of life too.
  stopConfirming(state);
  state.candidate = link;
  wakeIn(state, "proof", helloPatience(state.rttMs));
  order(state, { kind: "prove", link });
}

function dueRung(state: State): number | undefined {
  const { rung, stream, streams, renewAt, now } = state;
  const better = climb(state);
  if (better !== undefined) return better;
  if (stream !== undefined) return now >= renewAt ? stream.rung : undefined;
  return rung < streams.length ? rung : undefined;
}

/**
 * Returns five times the round trip, at least 1.5 s and at most 5 s; 3 s if the round trip is not
 * known.
 */
function helloPatience(rttMs: number): number {
  return rttMs === 0 ? UNKNOWN_HELLO_MS : Math.min(LONGEST_HELLO_MS, Math.max(5 * rttMs, SHORTEST_HELLO_MS));
}

/** Returns how long the second frame may take after hello, at least 3 s and at most 5 s. */
export function secondFramePatience(rttMs: number): number {
  return Math.max(SHORTEST_SECOND_FRAME_MS, helloPatience(rttMs));
}

/** Makes a stream that was proved the feed. */
export function makeFeed(state: State, link: Link): void {
  const { now, late } = state;
  drop(state, state.stream);
  state.stream = link;
  state.candidate = undefined;
  state.isAway = false;
  resetBackoff(state.streamBackoff);
  state.renewAt = now + streamLifeMs(state);
  proved(state, link.rung);
  learn(state, { late });
  stopPolling(state);
  expectPing(state, link.pingMs);
  report(state, { state: "live", transport: link.transport.name, slow: false, failures: 0, blocked: false });
}

/** Closes the stream that is the feed. */
export function letGo(state: State): void {
  drop(state, state.stream);
  stopConfirming(state);
}

/**
 * Closes what is in the way of another request: the stream that is being proved, or a confirmation.
 */
export function putOff(state: State): void {
  drop(state, state.candidate);
  stopConfirming(state);
}

/** Closes all streams. The next one may be opened at once. */
export function dropStreams(state: State): void {
  letGo(state);
  putOff(state);
  state.waitsForServer = false;
  state.proveAt = 0;
}
