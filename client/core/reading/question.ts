import { graceMs } from "../network/hold.ts";
import { giveWay } from "./feed.ts";
import { order } from "./orders.ts";
import { pollTransport } from "./polls.ts";
import { createRequest, drop } from "./requests.ts";
import type { Question, State } from "./state.ts";

/**
 * Asks the log for the events after the client's cursor, while the current transport continues. A
 * question that is under way answers this one too.
 */
export function ask(state: State, question: Question): void {
  state.asking = state.asking.concat([question]);
  openQuestion(state);
}

/** Opens the question that waits, unless a message is under way. */
export function openQuestion(state: State): void {
  if (state.question !== undefined || state.isSending || state.asking.length === 0) return;
  // It is rare, and asked when connections are doubted: so it leaves none to be used again.
  const link = createRequest(state, pollTransport(state), { graceMs: graceMs(state, state.rttMs), once: true });
  state.question = link;
  giveWay(state);
  order(state, { kind: "ask", link });
}

/** Closes the question. It is asked again later. */
export function pauseQuestion(state: State): void {
  if (state.question === undefined) return;
  drop(state, state.question);
  giveWay(state);
}

/** Closes the question for good. */
export function dropQuestion(state: State): void {
  pauseQuestion(state);
  state.asking = [];
}
