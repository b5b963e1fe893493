import { without } from "../base/list.ts";
import { failed } from "../network/ladder.ts";
import { fellSilent as pauseTooLong } from "../network/pace.ts";
import { serve } from "./feed.ts";
import { type Head, type Ledger, seqOf } from "./ledger.ts";
import { type Link, shownBy } from "./link.ts";
import { expectPing, isSilent } from "./liveness.ts";
import { report, wakeIn } from "./orders.ts";
import { carrier } from "./phase.ts";
import { replacePoll } from "./polls.ts";
import { ask, dropQuestion } from "./question.ts";
import type { Doubt, Expectation, State } from "./state.ts";
import { letGo } from "./streams.ts";

// The event that a question brings may be on its way by the stream: a tick of 45 ms and a bend in
// the network.
const JUST_NOW_MS = 1_000;
const HELD_BACK_MEMORY_MS = 60_000;
const EXPECTED = "expected ";

/** The result of a question: something new, nothing new, or no answer. */
export type QuestionResult = "news" | "nothing" | "unanswered";

/**
 * Expects a seq that is known to be in the log, by the receipt of an own message or by the head in
 * a ping. One seq is awaited in each room at a time; the last one reported meanwhile is next.
 */
export function expect(state: State, { room, seq }: Head, withinMs: number): void {
  const { expected } = state;
  if (shown(state, room) >= seq) return;
  for (let i = 0; i < expected.length; i++) {
    const one = expected[i] as Expectation;
    if (one.room !== room) continue;
    if (seq > one.seq) one.next = { seq, withinMs };
    return;
  }
  state.expected = expected.concat([{ room, seq }]);
  wakeIn(state, EXPECTED + room, withinMs);
}

function shown(state: State, room: string): number {
  const { stream, ledger } = state;
  return stream === undefined ? seqOf(ledger, room) : shownBy(stream, room);
}

/** The time of an expectation has come. */
export function judge(state: State, timer: string): void {
  const { expected } = state;
  for (let i = 0; i < expected.length; i++) {
    const one = expected[i] as Expectation;
    const { room, seq, next } = one;
    if (EXPECTED + room !== timer) continue;
    state.expected = without(expected, one);
    const isMet = shown(state, room) >= seq;
    if (next !== undefined) expect(state, { room, seq: next.seq }, next.withinMs);
    if (isMet) state.heldBackAt = 0;
    // It is the connection's fault only if a question brings the event. Otherwise it is the server
    // that is late.
    else ask(state, { why: "late", carrier: carrier(state) });
  }
}

/** Asks the log because a busy room has fallen quiet, or because a ping is missing. */
export function suspect(state: State, why: "lull" | "silent"): void {
  if (state.isDoubting) return;
  state.isDoubting = true;
  ask(state, { why, carrier: carrier(state) });
}

/** Draws the conclusion from what the log has answered. */
export function conclude(state: State, doubt: Doubt, result: QuestionResult): void {
  const { why, carrier: asked } = doubt;
  state.isDoubting = false;
  if (asked === undefined || asked !== carrier(state)) return;
  const isDead = why === "silent" && isSilent(state);
  if (result === "news") {
    state.suspect = doubt;
    wakeIn(state, "suspect", JUST_NOW_MS);
  } else if (isDead) {
    // If nothing else was answered either, the server is away, and no stream is to blame.
    if (result === "nothing") heldBack(state, true);
    else replaceStream(state, false, false);
  } else if (result === "nothing" && why !== "late") state.patience *= 2;
}

/**
 * The log had something. If the suspect has not brought it by now, it does not bring what it
 * should.
 */
export function convict(state: State): void {
  const { suspect, ledger } = state;
  const link = suspect?.carrier;
  state.suspect = undefined;
  if (suspect === undefined || link === undefined || link !== carrier(state)) return;
  // A poll would have been answered and be gone.
  if (!link.transport.streams) replacePoll(state);
  else if (!hasShownAll(link, ledger)) heldBack(state, suspect.why === "silent");
}

function hasShownAll(link: Link, ledger: Ledger): boolean {
  // A room that was followed since is not this connection's.
  const { rooms } = link.reading;
  for (let i = 0; i < rooms.length; i++) {
    if (shownBy(link, rooms[i] as string) < seqOf(ledger, rooms[i] as string)) return false;
  }
  return true;
}

// Once may be chance, and the question has cured it. Twice in a row leads a rung down.
function heldBack(state: State, fellSilent: boolean): void {
  const { now, heldBackAt } = state;
  const isAgain = heldBackAt > 0 && Math.abs(now - heldBackAt) < HELD_BACK_MEMORY_MS;
  state.heldBackAt = isAgain ? 0 : now;
  replaceStream(state, isAgain, fellSilent);
}

/** `isMute`: the stream's rung is to blame; `fellSilent`: a pause was too long for this network. */
function replaceStream(state: State, isMute: boolean, fellSilent: boolean): void {
  const { stream, now } = state;
  if (fellSilent) pauseTooLong(state);
  letGo(state);
  if (isMute && stream !== undefined) failed(state, stream.rung);
  state.proveAt = now;
  beginAgain(state);
  serve(state);
}

/** Forgets all doubts, because the connections that they were about are closed. */
export function beginAgain(state: State): void {
  expectPing(state, 0);
  forget(state);
  report(state, { state: "connecting" });
}

/** Forgets all doubts, and what was expected. */
export function forget(state: State): void {
  dropQuestion(state);
  state.expected = [];
  state.suspect = undefined;
  state.isDoubting = false;
}
