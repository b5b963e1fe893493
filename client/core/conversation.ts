import type { Access } from "./base/access.ts";
import { createConfirm } from "./reading/confirm.ts";
import type { Position } from "./reading/ledger.ts";
import { createPoll } from "./reading/poll.ts";
import type { ReadingSession, SessionOptions } from "./reading/session.ts";
import type { Transport } from "./reading/transport.ts";
import {
  createOutbox,
  found,
  hasNext,
  type MessageStore,
  type Outbox,
  put,
  retryRefused,
  settle,
  takeNext,
  type UnsentMessage,
} from "./sending/outbox.ts";
import { createSender, type Sender, sendMessage } from "./sending/send.ts";
import { ticketed, useTickets } from "./sending/tickets.ts";

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
  options: ConversationOptions<Reader>,
): Conversation<Reader> {
  const { environment, http, script, address, position, store } = options;
  const streams: Transport[] = [];
  const polls = [ticketed(options, createPoll(http, address))];
  const confirm = createConfirm(environment, http, address);
  useTickets(environment, address);
  for (let i = 0; i < options.streams.length; i++) streams.push(ticketed(options, options.streams[i] as Transport));
  if (script !== undefined) polls.push(createPoll({ ask: script, json: http.json }, address, "jsonp"));
  const session = options.openSession({ ...options, rooms: [position], streams, polls, confirm });
  const outbox = createOutbox(environment, store);
  const conversation: Conversation<Reader> = { room: position.room, session, sender: createSender(options), outbox };
  session.on("event", ({ id }) => {
    // Nobody else knows this id before it is in the log, even if the server has lost the cookie.
    if (id !== undefined) found(outbox, id);
  });
  session.on("status", ({ state }) => {
    if (state === "live") sendNow(conversation);
  });
  session.on("turn", () => transmit(conversation));
  return conversation;
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

/** Sends a message exactly once, however often that takes. */
export function say(conversation: Conversation<ConversationSession>, text: string): UnsentMessage {
  const message = put(conversation.outbox, text);
  sendNext(conversation);
  return message;
}

/** Sends a refused message again. */
export function resend(conversation: Conversation<ConversationSession>, message: UnsentMessage): void {
  retryRefused(conversation.outbox, message);
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
export function stopSending({ outbox, stopWaiting }: Conversation<ConversationSession>): void {
  outbox.phase = "closed";
  stopWaiting?.();
}

function sendNext({ session, outbox }: Conversation<ConversationSession>): void {
  if (hasNext(outbox)) session.sending(true);
}

/** Sends the next message, as it is its turn. */
function transmit(conversation: Conversation<ConversationSession>): void {
  const { room, session, sender, outbox } = conversation;
  if (outbox.phase === "sending") return;
  const message = takeNext(outbox);
  if (message === undefined) {
    session.sending(false);
    return;
  }
  const { timeouts } = sender;
  const startedAt = sender.environment.now();
  sendMessage(sender, { room, id: message.id, text: message.text }, (outcome) => {
    if (sender.timeouts > timeouts) session.doubt(startedAt);
    session.sending(false);
    if (outbox.phase === "closed") return;
    const waitMs = settle(outbox, message, outcome);
    if ("receipt" in outcome) session.expect(room, outcome.receipt.event.seq, outcome.rttMs);
    if (waitMs === undefined) sendNext(conversation);
    else conversation.stopWaiting = sender.environment.later(waitMs, () => sendNow(conversation));
  });
}

/** Sends now, even if the back-off still runs. */
function sendNow(conversation: Conversation<ConversationSession>): void {
  const { outbox, stopWaiting } = conversation;
  if (outbox.phase === "waiting") {
    stopWaiting?.();
    outbox.phase = "idle";
  }
  sendNext(conversation);
}
