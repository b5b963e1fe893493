import { graceMs } from "../network/hold.ts";
import { giveWay } from "./feed.ts";
import { order, publish, report, wakeIn } from "./orders.ts";
import { createRequest, drop } from "./requests.ts";
import type { Question, State } from "./state.ts";
import { questionTransport } from "./ways.ts";

// On a network that works, an answer takes one round trip and some milliseconds.
const USUAL_MS = 1_000;

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
  const link = createRequest(state, questionTransport(state), { graceMs: graceMs(state, state.rttMs), once: true });
  state.question = link;
  giveWay(state);
  order(state, { kind: "ask", link });
  wakeIn(state, "overdue", Math.max(USUAL_MS, 2 * state.rttMs));
}

/** The usual time of an answer has passed. If there is none, the reader learns that. */
export function noteOverdue(state: State): void {
  if (state.question !== undefined) report(state, { checking: true });
}

/** Closes the question for good. */
export function dropQuestion(state: State): void {
  const { question } = state;
  state.asking = [];
  if (question === undefined) return;
  drop(state, question);
  afterQuestion(state);
}

/** The question is over: the second connection is free for a message, or for a stream. */
export function afterQuestion(state: State): void {
  report(state, { checking: false });
  if (state.isSendingNext) beginSending(state);
  else giveWay(state);
}

/**
 * Lets a message be sent once the question that is under way is answered: there are two
 * connections, and a feed that may be dead must not wait for a message that may take long.
 */
export function beginSending(state: State): void {
  state.isSendingNext = state.question !== undefined;
  if (state.isSendingNext) return;
  state.isSending = true;
  giveWay(state);
  publish(state, "turn", undefined);
}

/** No message is under way any more, or waits for its turn. */
export function endSending(state: State): void {
  state.isSending = state.isSendingNext = false;
  openQuestion(state);
  giveWay(state);
}
