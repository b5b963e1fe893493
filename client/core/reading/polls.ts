import { graceMs, notHeld } from "../network/hold.ts";
import { order, report, wakeIn } from "./orders.ts";
import { createRequest, drop } from "./requests.ts";
import type { State } from "./state.ts";
import { isBlocked, isTrial, pollTransport, questionTransport } from "./ways.ts";

/** Opens the next poll. */
export function poll(state: State): void {
  const { rttMs, once, status } = state;
  state.isPollSet = false;
  // Until the server is heard, it is asked to answer at once.
  const wait = status.state === "live" && !isTrial(state) ? state.holdSeconds : 0;
  const link = createRequest(state, pollTransport(state), { wait, graceMs: graceMs(state, rttMs), once });
  state.poll = link;
  order(state, { kind: "poll", link });
}

/** Lets the next poll be opened after this time. */
export function pollIn(state: State, ms: number): void {
  state.isPollSet = true;
  wakeIn(state, "poll", ms);
}

/** Opens another poll in place of one that is not trusted. */
export function pollAgain(state: State): void {
  stopPolling(state);
  poll(state);
}

/** Closes the poll. None is due after it. */
export function stopPolling(state: State): void {
  state.isPollSet = false;
  drop(state, state.poll);
}

/**
 * Opens another poll in place of one that would have been answered: its connection has died in
 * silence.
 */
export function replacePoll(state: State): void {
  const { poll: dead, now } = state;
  state.once = true;
  if (dead !== undefined) notHeld(state, now - dead.openedAt, { wait: dead.reading.wait, graceMs: 0 });
  pollAgain(state);
}

/** Reports that the feed is a poll, if it is. */
export function showPolling(state: State): void {
  const { stream, candidate, rung, streams } = state;
  if (stream !== undefined) return;
  const slow = candidate === undefined && rung >= streams.length;
  const { name } = questionTransport(state);
  report(state, { state: "live", transport: name, slow, failures: 0, blocked: isBlocked(state) });
}
