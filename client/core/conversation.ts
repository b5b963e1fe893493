import type { Access } from "./base/access.ts";
import { withPage } from "./base/environment.ts";
import { createHaste, inHaste } from "./base/haste.ts";
import { begin, createThrottle, spared, type Throttle, throttled } from "./base/throttle.ts";
import { createConfirm } from "./reading/confirm.ts";
import type { Position } from "./reading/ledger.ts";
import { createPoll } from "./reading/poll.ts";
import type { ReadingSession, SessionOptions } from "./reading/session.ts";
import type { Transport } from "./reading/transport.ts";
import {
  adopt,
  createOutbox,
  found,
  hasNext,
  type MessageStore,
  type Outbox,
  put,
  retryRefused,
  type SendOutcome,
  settle,
  takeWaiting,
  type UnsentMessage,
} from "./sending/outbox.ts";
import { createSender, returnToProven, type Sender, sendMessages } from "./sending/send.ts";
import { ticketed, useTickets } from "./sending/tickets.ts";

// The back-off is a random part of its time, which may be nothing. 0.2, 0.4 … 1 s are the least.
const SHORTEST_WAIT_MS = 200;
const SHORTEST_LATER_MS = 1_000;
const HASTE_MS = 1_000;
// Longer than any question takes.
const TURN_MS = 15_000;

/** The part of a session that a conversation uses. */
export type ConversationSession = Pick<ReadingSession, "on" | "start" | "wake" | "expect" | "sending" | "doubt">;

/** One room: the session that reads it, and the outbox and the sender that write to it. */
export type Conversation<Reader extends ConversationSession = ReadingSession> = {
  room: string;
  session: Reader;
  sender: Sender;
  outbox: Outbox;
  /** Cancels the timer of the outbox's back-off. */
  stopWaiting?: () => void;
  /** Cancels the timer of messages that wait for their turn. */
  stopTurn?: (() => void) | undefined;
  /** When an attempt was last made before its back-off was over. */
  hastenedAt: number;
};

/** The parts of a conversation. */
export type ConversationOptions<Reader extends ConversationSession> = Access &
  Pick<SessionOptions, "streams" | "rttMs" | "hidden" | "memory"> & {
    /** Where the page or an earlier conversation has left off. */
    position: Position;
    store: MessageStore;
    /** Creates the session. */
    openSession(options: SessionOptions): Reader;
  };

/** Creates a conversation that is not started. */
export function createConversation<Reader extends ConversationSession>(
  given: ConversationOptions<Reader>,
): Conversation<Reader> {
  const options = { ...given, environment: withPage(given.environment) };
  const { environment, address, position, store } = options;
  // Two, so that polls of a busy room do not delay messages.
  const throttle = createThrottle(environment);
  const { ask, json } = options.http;
  const hasty = { ...options, http: { ask: inHaste(createHaste(environment), ask), json } };
  const { http, script } = throttledAccess(throttle, hasty);
  const sending = createThrottle(environment, throttle.places);
  const access = { ...throttledAccess(sending, hasty), spare: spared(sending, ask) };
  const streams: Transport[] = [];
  const polls = [
    ticketed(access, createPoll(http, address)),
    ticketed(access, createPoll(http, address, { isUnlisted: true })),
    ticketed(access, createPoll(http, address, { isQuery: true })),
  ];
  const confirm = createConfirm(environment, http, address);
  useTickets(environment, address);
  for (let i = 0; i < options.streams.length; i++) {
    streams.push(ticketed(access, throttledStream(throttle, options.streams[i] as Transport)));
  }
  if (script !== undefined) polls.push(createPoll({ ask: script, json }, address, { name: "jsonp" }));
  const session = options.openSession({ ...options, rooms: [position], streams, polls, confirm });
  const outbox = createOutbox(environment, store);
  const conversation: Conversation<Reader> = {
    room: position.room,
    session,
    sender: createSender(access),
    outbox,
    hastenedAt: 0,
  };
  session.on("event", ({ id }) => {
    // Nobody else knows this id before it is in the log, even if the server has lost the cookie.
    if (id !== undefined) found(outbox, id);
  });
  let isLive = false;
  session.on("status", ({ state }) => {
    const wasLive = isLive;
    isLive = state === "live";
    if (wasLive || !isLive) return;
    returnToProven(conversation.sender);
    sendNow(conversation);
  });
  session.on("turn", () => transmit(conversation));
  return conversation;
}

function throttledAccess(throttle: Throttle, { environment, http, script, address }: Access): Access {
  return {
    environment,
    address,
    http: { ask: throttled(throttle, http.ask), json: http.json },
    script: script && throttled(throttle, script),
  };
}

function throttledStream(throttle: Throttle, transport: Transport): Transport {
  const { open } = transport;
  return {
    ...transport,
    open: (reading, sink) =>
      begin(
        throttle,
        (ended) =>
          open(reading, (kind, data, cursor) => {
            if (kind === "ended") ended();
            sink(kind, data, cursor);
          }),
        () => sink("ended", { how: "refused" }),
      ),
  };
}

/**
 * Starts to read, and sends what an earlier page has left. To be called again when a page that
 * slept comes back.
 */
export function start(conversation: Conversation<ConversationSession>): void {
  conversation.session.start();
  sendNow(conversation);
}

/** Sends nothing until `release`. Only reading begins. */
export function hold({ outbox }: Conversation<ConversationSession>): void {
  outbox.phase = "held";
}

/** Sends what was held back. */
export function release(conversation: Conversation<ConversationSession>): void {
  const { outbox } = conversation;
  if (outbox.phase !== "held") return;
  outbox.phase = "idle";
  sendNext(conversation);
}

/**
 * Sends a message exactly once, however often that takes. `reply` is the seq of the message that it
 * answers.
 */
export function say(conversation: Conversation<ConversationSession>, text: string, reply?: number): UnsentMessage {
  const message = put(conversation.outbox, text, reply);
  sendNext(conversation);
  return message;
}

/** Sends a refused message again. */
export function resend(conversation: Conversation<ConversationSession>, message: UnsentMessage): void {
  retryRefused(conversation.outbox, message);
  sendNext(conversation);
}

/** Sends messages that another page has left and the log does not show. */
export function takeOver(
  conversation: Conversation<ConversationSession>,
  messages: UnsentMessage[],
  isShown: (id: string) => boolean,
): void {
  const unknown: UnsentMessage[] = [];
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i] as UnsentMessage;
    if (!isShown(message.id)) unknown.push(message);
  }
  adopt(conversation.outbox, unknown);
  sendNext(conversation);
}

/** Returns what an earlier page has left and the log does not show. */
export function unsentMessages(
  { outbox }: Conversation<ConversationSession>,
  isShown: (id: string) => boolean,
): UnsentMessage[] {
  const { messages } = outbox;
  for (let i = 0; i < messages.length; i++) {
    const { id } = messages[i] as UnsentMessage;
    if (isShown(id)) found(outbox, id);
  }
  return outbox.messages;
}

/** Reads and sends at once: the page is looked at again, or the network may be back. */
export function wake(conversation: Conversation<ConversationSession>, connectionsAreDead: boolean): void {
  conversation.session.wake(connectionsAreDead);
  sendNow(conversation);
}

/** Sends nothing more. Reading continues. */
export function stopSending({ outbox, stopWaiting, stopTurn }: Conversation<ConversationSession>): void {
  outbox.phase = "closed";
  stopWaiting?.();
  stopTurn?.();
}

/** Sends what waits when it has its turn: a question of the session goes first. */
function sendNext(conversation: Conversation<ConversationSession>): void {
  const { session, sender, outbox } = conversation;
  if (!hasNext(outbox)) return;
  // Whatever becomes of the question, the messages do not wait for it forever.
  if (!conversation.stopTurn) conversation.stopTurn = sender.environment.later(TURN_MS, () => transmit(conversation));
  session.sending(true);
}

/** Sends what waits, as it has its turn. */
function transmit(conversation: Conversation<ConversationSession>): void {
  const { room, session, sender, outbox } = conversation;
  if (conversation.stopTurn) conversation.stopTurn();
  conversation.stopTurn = undefined;
  if (outbox.phase === "sending") return;
  const messages = takeWaiting(outbox);
  if (messages.length === 0) {
    session.sending(false);
    return;
  }
  const { timeouts } = sender;
  const startedAt = sender.environment.now();
  let isOver = false;
  const ended = (outcomes: SendOutcome[]) => {
    if (isOver) return;
    isOver = true;
    if (sender.timeouts > timeouts) session.doubt(startedAt);
    noteEnd(conversation, outcomes);
  };
  try {
    sendMessages(sender, { room, messages }, ended);
  } catch (_failed) {
    // An attempt that throws has failed. Without an outcome, nothing would ever be sent again.
    sender.environment.later(0, () => ended([{ retry: true }]));
  }
}

function noteEnd(conversation: Conversation<ConversationSession>, outcomes: SendOutcome[]): void {
  const { session, outbox } = conversation;
  session.sending(false);
  if (outbox.phase === "closed") return;
  const waitMs = settle(outbox, outcomes);
  for (let i = outcomes.length - 1; i >= 0; i--) {
    const outcome = outcomes[i] as SendOutcome;
    if (!("receipt" in outcome)) continue;
    const { receipt, rttMs } = outcome;
    session.expect(receipt.event.room, receipt.event.seq, rttMs);
    break;
  }
  if (waitMs === undefined) sendNext(conversation);
  else {
    const shortestMs = Math.min(SHORTEST_LATER_MS, SHORTEST_WAIT_MS * outbox.backoff.failures);
    waitFor(conversation, Math.max(waitMs, shortestMs));
  }
}

function waitFor(conversation: Conversation<ConversationSession>, ms: number): void {
  conversation.stopWaiting = conversation.sender.environment.later(ms, () => {
    if (conversation.outbox.phase !== "waiting") return;
    conversation.outbox.phase = "idle";
    sendNext(conversation);
  });
}

/**
 * Sends now, even if the back-off still runs, but at most once a second. A connection that comes
 * and goes must not become a loop.
 */
function sendNow(conversation: Conversation<ConversationSession>): void {
  const { outbox, sender, hastenedAt, stopWaiting } = conversation;
  if (outbox.phase === "waiting") {
    stopWaiting?.();
    const sinceMs = Math.abs(sender.environment.now() - hastenedAt);
    if (sinceMs < HASTE_MS) {
      waitFor(conversation, HASTE_MS - sinceMs);
      return;
    }
    conversation.hastenedAt = sender.environment.now();
    outbox.phase = "idle";
  }
  sendNext(conversation);
}
