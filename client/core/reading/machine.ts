import type { HelloSignal, PollAnswer, RoomEvent } from "../../../protocol/event.ts";
import { FIRST_PING_MS } from "../../../protocol/limits.ts";
import { confirm, confirmed } from "./confirm.ts";
import { end } from "./endings.ts";
import { keepServing, renew, retry, serve } from "./feed.ts";
import {
  begin,
  follow,
  follows,
  type Head,
  seqAfter,
  seqOf,
  settle,
  type Taken,
  takeAnswered,
  takeEvent,
  takePing,
  takeReset,
  unfollow,
} from "./ledger.ts";
import { type Link, show, shownBy } from "./link.ts";
import { check, heardEvent, isSilent, nextCheckMs } from "./liveness.ts";
import { order, publish, report, wakeIn } from "./orders.ts";
import { is } from "./phase.ts";
import { poll } from "./polls.ts";
import { ask, beginSending, endSending, noteOverdue } from "./question.ts";
import { drop } from "./requests.ts";
import type { Frame, Happening, Order, State } from "./state.ts";
import { dropStreams, makeFeed, secondFramePatience } from "./streams.ts";
import { beginAgain, convict, doubt, expect, forget, judge, suspect } from "./watchdog.ts";

const WAKES_APART_MS = 1_000;
// An event that comes together with hello proves nothing: a network that holds 4 KiB may let out
// both at once.
const APART_MS = 250;
// The first ping follows hello after FIRST_PING_MS, and this much later at most.
const PING_LATE_MS = 700;
// An event that a poll has brought this long before proves nothing either.
const BEHIND_MS = 100;
const RECEIPT_PATIENCE_MS = 3_000;
const HEAD_PATIENCE_MS = 2_000;

/**
 * Changes the state by what happens now, and returns the effects that have to follow, in order. The
 * states and happenings are those of docs/client-states.md.
 */
export function step(state: State, happening: Happening, now: number): Order[] {
  state.now = now;
  state.orders = [];
  if (is(state, "closed")) return state.orders;
  if ("link" in happening) bring(state, happening);
  else take(state, happening);
  if (state.isNew) order(state, { kind: "learn", known: state.known });
  state.isNew = false;
  return state.orders;
}

function take(state: State, happening: Exclude<Happening, Frame>): void {
  switch (happening.kind) {
    case "start":
      serve(state);
      tick(state);
      break;
    case "timer":
      due(state, happening.timer);
      break;
    case "wake":
      wake(state, happening);
      break;
    case "receipt":
      state.rttMs = happening.rttMs;
      if (is(state, "waiting")) wake(state, { connectionsAreDead: false });
      expect(state, happening, Math.max(RECEIPT_PATIENCE_MS, 2 * happening.rttMs + 1000));
      break;
    case "sending":
      if (happening.isUnderWay) beginSending(state);
      else endSending(state);
      break;
    case "doubt":
      doubt(state, happening.since);
      break;
    case "follow":
      follow(state.ledger, happening.position);
      // The question that is under way does not name this room.
      forget(state);
      renew(state);
      break;
    case "unfollow":
      unfollow(state.ledger, happening.room);
      break;
    case "close":
      close(state);
  }
}

function due(state: State, timer: string): void {
  if (timer === "tick") tick(state);
  else if (timer === "poll") {
    if (state.isPollSet) poll(state);
  } else if (timer === "return") {
    if (state.isAway) serve(state);
  } else if (timer === "suspect") convict(state);
  else if (timer === "wake") wake(state, { connectionsAreDead: true });
  else if (timer === "overdue") noteOverdue(state);
  else if (timer !== "proof") judge(state, timer);
  else if (state.candidate !== undefined) end(state, state.candidate, { how: "mute" });
}

/** Every second: compares clocks, and does what is due. */
function tick(state: State): void {
  const verdict = check(state);
  wakeIn(state, "tick", nextCheckMs(state));
  if (verdict === "woke") wake(state, { connectionsAreDead: false });
  else if (verdict !== "fine" && !is(state, "waiting")) suspect(state, verdict);
  keepServing(state);
}

function wake(state: State, { connectionsAreDead }: { connectionsAreDead: boolean }): void {
  const { stream, now, wokeAt } = state;
  if (now >= wokeAt && now - wokeAt < WAKES_APART_MS) {
    // Only the last one of those that came too soon.
    if (connectionsAreDead) wakeIn(state, "wake", WAKES_APART_MS - (now - wokeAt));
    return;
  }
  state.wokeAt = now;
  if (stream !== undefined && !connectionsAreDead && !isSilent(state)) {
    ask(state, { why: "gap" });
    return;
  }
  if (stream !== undefined || connectionsAreDead) dropStreams(state);
  beginAgain(state);
  retry(state);
}

function close(state: State): void {
  dropStreams(state);
  drop(state, state.poll);
  drop(state, state.question);
  order(state, { kind: "end" });
  report(state, { state: "closed" });
}

function bring(state: State, frame: Frame): void {
  const { link, kind, data } = frame;
  if (kind === "confirmed") confirmed(state, link, data);
  else if (kind === "ended") end(state, link, data);
  // A stream that is kept by a cache says hello with another's nonce.
  else if (kind === "hello" && !isOurs(link, data)) end(state, link, { how: "refused" });
  else {
    hear(state, link);
    read(state, frame);
  }
}

function isOurs({ reading }: Link, { chattera, n }: HelloSignal): boolean {
  return chattera === 1 && (n === undefined || n === reading.nonce);
}

function read(state: State, { link, kind, data, cursor }: Frame): void {
  const { ledger, now } = state;
  const { asked, transport } = link;
  switch (kind) {
    case "hello":
      link.helloAt = now;
      link.pingMs = data.ping;
      wakeIn(state, "proof", secondFramePatience(state.rttMs));
      beginAt(state, link, data.cursor);
      break;
    case "ping":
      provePing(state, link);
      noteStale(state, link, data);
      pass(state, link, takePing(ledger, data));
      publish(state, kind, data);
      break;
    case "event":
      proveEvent(state, link, data);
      show(link, data.room, Math.max(data.seq, shownBy(link, data.room)));
      pass(
        state,
        link,
        transport.streams ? takeEvent(ledger, { data, cursor }, asked) : takeAnswered(ledger, data, asked),
      );
      break;
    case "reset":
      // The log may be another one, with a lower head.
      show(link, data.room, seqAfter(data));
      pass(state, link, takeReset(ledger, data, asked));
      break;
    case "answer":
      settleAnswer(state, link, data);
      break;
    case "members":
    case "typing":
    case "room":
      if (follows(ledger, data.room)) publish(state, kind, data);
  }
}

/** Notes a sign of life. A question's says nothing about the feed. */
function hear(state: State, link: Link): void {
  if (link.isOver) return;
  link.heardAt = state.now;
  if (link === state.question) return;
  state.reachedAt = state.now;
  if (link !== state.candidate) state.heardAt = state.now;
  report(state, { failures: 0 });
  if (link === state.stream) confirm(state, link);
}

/**
 * A request without a cursor begins at the first one that it is given. Next to other cursors, a
 * room gets its own from a reset.
 */
function beginAt({ ledger }: State, link: Link, cursor: string): void {
  if (link.asked.length > 0) return;
  link.asked = [cursor];
  begin(ledger, cursor);
}

/** A question may be answered by another server than the feed's. */
function noteStale(state: State, link: Link, { stale }: { stale?: number }): void {
  if (link === state.stream || link === state.poll) report(state, { stale: stale !== undefined });
}

/**
 * A ping proves the stream that brought it, unless an event pushed it out: some networks pass a
 * frame on when the next one comes.
 */
function provePing(state: State, link: Link): void {
  const { now, rttMs } = state;
  const { helloAt, isBehind, reading } = link;
  const isLate = isBehind || now - helloAt > FIRST_PING_MS + Math.max(PING_LATE_MS, 2 * rttMs);
  if (reading.late || !isLate) prove(state, link);
}

/** An event proves the stream that brought it, unless a poll alongside brought it long before. */
function proveEvent(state: State, link: Link, { room, seq }: RoomEvent): void {
  const { ledger, now, eventAt } = state;
  // An event that comes with hello was missed, and the poll has brought it meanwhile.
  if (link !== state.candidate || now - link.helloAt < APART_MS || seq <= shownBy(link, room)) return;
  const known = seqOf(ledger, room);
  if (seq < known || (seq === known && now - eventAt > BEHIND_MS)) link.isBehind = true;
  if (link.reading.late || !link.isBehind) prove(state, link);
}

/** Makes a stream the feed, unless the frame that proves it was held back together with hello. */
function prove(state: State, link: Link): void {
  if (link !== state.candidate || link.helloAt === 0 || state.now - link.helloAt < APART_MS) return;
  makeFeed(state, link);
}

function settleAnswer(state: State, link: Link, answer: PollAnswer): void {
  const { ledger } = state;
  const { signals } = answer;
  noteStale(state, link, answer);
  settle(ledger, answer);
  beginAt(state, link, answer.cursor);
  for (let i = 0; i < signals.length; i++) {
    const signal = signals[i] as PollAnswer["signals"][number];
    if (signal.signal === "bye" || !follows(ledger, signal.room)) continue;
    if (signal.signal === "members") publish(state, "members", signal);
    else publish(state, "room", signal);
  }
}

/** Passes on what the ledger took, and asks the log for what it lacks. */
function pass(state: State, link: Link, { isNew, reset, events, heads, hasGap }: Taken): void {
  if (isNew) link.isNew = true;
  if (reset !== undefined) {
    forget(state);
    publish(state, "reset", reset);
  }
  for (let i = 0; i < events.length; i++) {
    heardEvent(state);
    publish(state, "event", events[i] as RoomEvent);
  }
  for (let i = 0; i < heads.length; i++) {
    expect(state, heads[i] as Head, HEAD_PATIENCE_MS);
  }
  if (hasGap && link.transport.streams) ask(state, { why: "gap" });
}
