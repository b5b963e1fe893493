import { without } from "../base/list.ts";
import { failed } from "../network/ladder.ts";
import { fellSilent } from "../network/pace.ts";
import { serve } from "./feed.ts";
import { type Head, type Ledger, seqOf } from "./ledger.ts";
import { type Link, shownBy } from "./link.ts";
import { expectPing, isSilent } from "./liveness.ts";
import { report, wakeIn } from "./orders.ts";
import { feedOf } from "./phase.ts";
import { pollAgain, replacePoll } from "./polls.ts";
import { ask, dropQuestion } from "./question.ts";
import type { Doubt, Expectation, State } from "./state.ts";
import { letGo } from "./streams.ts";

// The event that a question brings may be on its way by the stream: a tick of 45 ms and a bend in
// the network, or two round trips of a slow one.
const JUST_NOW_MS = 1_000;
const HELD_BACK_MEMORY_MS = 60_000;
// If a message and a question have both died in silence, a ping need not be three seconds late.
const LATE_PING_MS = 1_000;
const EXPECTED = "expected ";

/** The result of a question: something new, nothing new, or no answer. */
export type QuestionResult = "events" | "nothing" | "unanswered";

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
    else ask(state, { why: "late", feed: feedOf(state) });
  }
}

/** Asks the log because a busy room has fallen quiet, or because something got no answer. */
export function suspect(state: State, why: "lull" | "silent" | "unanswered"): void {
  const { stream } = state;
  // A message is the second request, and may take long. The stream has had its time, so a poll
  // takes its place and asks the same.
  if (why === "silent" && state.isSending && stream !== undefined) {
    replaceStream(state, { isMute: false });
    state.fallen = stream;
  } else if (!state.isDoubting) {
    state.isDoubting = true;
    ask(state, { why, feed: feedOf(state) });
  }
}

/** A request that began at this time died in silence. The feed may be dead too. */
export function doubt(state: State, since: number): void {
  // An upload on a slow line says nothing about a feed that has brought something meanwhile.
  if (state.heardAt >= since || feedOf(state) === undefined) return;
  state.unansweredAt = state.now;
  suspect(state, "unanswered");
}

/** Draws the conclusion from what the log has answered. */
export function conclude(state: State, about: Doubt, result: QuestionResult): void {
  const { why, feed } = about;
  state.isDoubting = false;
  if (feed === undefined || feed !== feedOf(state)) return;
  const isDead = why === "silent" && isSilent(state);
  if (result === "events") {
    state.suspect = about;
    wakeIn(state, "suspect", Math.max(JUST_NOW_MS, 2 * state.rttMs));
  } else if (result === "nothing") {
    if (isDead) heldBack(state, about);
    else if (why === "lull" || why === "silent") state.patience *= 2;
  } else if (isDead || (state.unansweredAt > state.heardAt && !isAlive(state, feed))) {
    // Nothing else was answered either: the server is away, and no stream is to blame.
    if (feed.transport.streams) replaceStream(state, { isMute: false });
    else {
      beginAgain(state);
      pollAgain(state);
    }
  }
}

/** Whether the feed may still live although a message and a question have died in silence. */
function isAlive({ now, heardAt, pingMs }: State, { transport, openedAt }: Link): boolean {
  return transport.streams ? now - heardAt <= pingMs + LATE_PING_MS : now - openedAt <= LATE_PING_MS;
}

/**
 * The log had something. If the suspect has not brought it by now, it does not bring what it
 * should.
 */
export function convict(state: State): void {
  const { suspect: about, ledger } = state;
  const link = about?.feed;
  state.suspect = undefined;
  if (about === undefined || link === undefined || link !== feedOf(state)) return;
  // A poll would have been answered and be gone.
  if (!link.transport.streams) replacePoll(state);
  else if (!hasShownAll(link, ledger)) heldBack(state, about);
}

function hasShownAll(link: Link, ledger: Ledger): boolean {
  // A room that was followed since is not this connection's.
  const { logs } = link;
  for (let i = 0; i < logs.length; i++) {
    if (shownBy(link, logs[i] as string) < seqOf(ledger, logs[i] as string)) return false;
  }
  return true;
}

/** The first poll after a stream fell silent was answered: it was the stream that had died. */
export function judgeFallen(state: State): void {
  const { fallen } = state;
  state.fallen = undefined;
  if (fallen === undefined) return;
  noteSilence(state, fallen);
  if (isHeldBackAgain(state)) failed(state, fallen.rung);
}

function heldBack(state: State, { why }: Doubt): void {
  const { stream } = state;
  // In a busy room a connection that died is noticed before a ping is missing.
  if ((why === "silent" || why === "lull") && stream !== undefined) noteSilence(state, stream);
  replaceStream(state, { isMute: isHeldBackAgain(state) });
}

/** A pause was too long for this network, or the connection too old. */
function noteSilence(state: State, { openedAt, heardAt, rung }: Link): void {
  if (fellSilent(state, heardAt - openedAt)) failed(state, rung);
}

/** Once may be chance, and the question has cured it. Twice in a row leads a rung down. */
function isHeldBackAgain(state: State): boolean {
  const { now, heldBackAt } = state;
  const isAgain = heldBackAt > 0 && Math.abs(now - heldBackAt) < HELD_BACK_MEMORY_MS;
  state.heldBackAt = isAgain ? 0 : now;
  return isAgain;
}

/** Closes the stream that is the feed, and begins again. `isMute`: its rung is to blame. */
function replaceStream(state: State, { isMute }: { isMute: boolean }): void {
  const { stream, now } = state;
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
  state.suspect = state.fallen = undefined;
  state.isDoubting = false;
}
