import type { RoomEvent } from "../../../protocol/event.ts";
import { createEmitter, type Emitter } from "../base/emitter.ts";
import { createClientId, type Environment } from "../base/environment.ts";
import { without } from "../base/list.ts";
import { type Backoff, createBackoff, nextDelay, resetBackoff } from "../network/backoff.ts";

/**
 * A message without a receipt. `kept`: waits for the network; `refused`: the server rejected it.
 */
export type UnsentMessage = {
  id: string;
  text: string;
  /** The seq of the message that this one answers. */
  reply?: number | undefined;
  state: "sending" | "kept" | "refused";
  /** The code of the refusal. */
  code?: string | undefined;
  /**
   * The site takes no more of this author's messages for now. This one is sent after `waitMs`
   * milliseconds.
   */
  waitMs?: number | undefined;
  /** Its author wants it back, but an attempt to send it is under way. */
  wish?: TakeBack | undefined;
  /** How often the site failed at this message when it was sent alone. */
  errors?: number;
  /** The site has failed at this message often, and has stored a later one meanwhile. */
  isSuspect?: boolean;
};

/** Why an author takes a message back. */
export type TakeBack = "cancel" | "edit";

/** The server's answer to a message: the event that it became, and a cursor behind it. */
export type Receipt = { event: RoomEvent; cursor: string };

/**
 * The outcome of one attempt to send a message. `retry`: it may or may not have arrived; sending it
 * again under the same id is harmless.
 */
export type SendOutcome =
  | { receipt: Receipt; rttMs: number }
  | { refused: string }
  | { retry: true; retryMs?: number | undefined; code?: string | undefined };

/** Where unsent messages outlive a reload. */
export type MessageStore = { load(): UnsentMessage[]; save(messages: UnsentMessage[]): void };

/** The events of an outbox. */
export type OutboxEvents = {
  /** A message is new, or its state has changed. */
  changed: UnsentMessage;
  sent: { message: UnsentMessage; receipt: Receipt };
  /** A message is no longer in the outbox, and will not be sent. */
  discarded: UnsentMessage;
  /** A message was discarded so that its author can write it again. */
  edited: UnsentMessage;
};

/**
 * Messages on their way, in order, each until it has a receipt or is refused. `held`: nothing may
 * be sent yet; `waiting`: the last attempt failed, and the back-off runs.
 */
export type Outbox = {
  environment: Environment;
  emitter: Emitter<OutboxEvents>;
  store: MessageStore;
  phase: "held" | "idle" | "sending" | "waiting" | "closed";
  backoff: Backoff;
  /** Oldest first. */
  messages: UnsentMessage[];
  /** Those that the attempt under way may carry. */
  underWay: UnsentMessage[];
};

// An error that a message has met this often may be its own fault.
const MOST_ERRORS = 5;

/** Creates an outbox with the messages that an earlier page has left. */
export function createOutbox(environment: Environment, store: MessageStore): Outbox {
  const outbox: Outbox = {
    environment,
    emitter: createEmitter(environment),
    store,
    phase: "idle",
    backoff: createBackoff(environment),
    messages: [],
    underWay: [],
  };
  try {
    outbox.messages = store.load();
  } catch (_isUnreadable) {
    outbox.messages = [];
  }
  return outbox;
}

/** Adds a message. */
export function put(outbox: Outbox, text: string, reply?: number): UnsentMessage {
  const id = createClientId(outbox.environment);
  const message: UnsentMessage = { id, text, state: mustWait(outbox) ? "kept" : "sending" };
  if (reply !== undefined) message.reply = reply;
  save(outbox, outbox.messages.concat([message]));
  outbox.emitter.emit("changed", message);
  return message;
}

/** Whether a message is to be sent now. */
export function hasNext({ phase, messages }: Outbox): boolean {
  for (let i = 0; i < messages.length && phase === "idle"; i++) {
    if ((messages[i] as UnsentMessage).state !== "refused") return true;
  }
  return false;
}

/** Adds messages that another page has left, before those of this page. */
export function adopt(outbox: Outbox, messages: UnsentMessage[]): void {
  const added: UnsentMessage[] = [];
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i] as UnsentMessage;
    if (!isListed(outbox.messages, message.id) && !isListed(added, message.id)) added.push(message);
  }
  save(outbox, added.concat(outbox.messages));
  for (let i = 0; i < added.length; i++) outbox.emitter.emit("changed", added[i] as UnsentMessage);
}

/** Removes all messages, since another page has taken them over and sends them. */
export function handOver(outbox: Outbox): void {
  const { messages } = outbox;
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i] as UnsentMessage;
    remove(outbox, message);
    outbox.emitter.emit("discarded", message);
  }
}

/** Returns the messages to be sent now, oldest first; none if it is not yet time. */
export function takeWaiting(outbox: Outbox): UnsentMessage[] {
  const waiting: UnsentMessage[] = [];
  const { phase, messages } = outbox;
  if (phase !== "idle") return waiting;
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i] as UnsentMessage;
    if (message.state !== "refused") waiting.push(message);
  }
  if (waiting.length > 0) outbox.phase = "sending";
  outbox.underWay = passable(waiting);
  return outbox.underWay;
}

/**
 * Notes the outcomes of an attempt, which are those of the first messages that it was given.
 * Returns for how many milliseconds to wait before the next one; `undefined` if there is no need to
 * wait.
 */
export function settle(outbox: Outbox, outcomes: SendOutcome[]): number | undefined {
  const { underWay, backoff } = outbox;
  let retryMs: number | undefined;
  let code: string | undefined;
  let mustRetry = false;
  for (let i = 0; i < outcomes.length; i++) {
    const outcome = outcomes[i] as SendOutcome;
    if ("retry" in outcome) {
      if (outcome.code === "internal" && outcomes.length === 1 && isAtFault(outbox, underWay[0] as UnsentMessage))
        continue;
      if (!mustRetry) retryMs = outcome.retryMs;
      if (!mustRetry) code = outcome.code;
      mustRetry = true;
    } else {
      resetBackoff(backoff);
      settleOne(outbox, underWay[i] as UnsentMessage, outcome);
    }
  }
  outbox.underWay = [];
  const delayMs = mustRetry ? nextDelay(backoff, retryMs) : undefined;
  if (mustRetry) keepAll(outbox, code === "too_many" ? delayMs : undefined);
  for (let i = 0; i < underWay.length; i++) grant(outbox, underWay[i] as UnsentMessage);
  // Only now, since a listener may have added a message. It may also have closed the outbox.
  if (outbox.phase === "sending") outbox.phase = mustRetry ? "waiting" : "idle";
  return delayMs;
}

/** Lets a refused message be sent again. */
export function retryRefused(outbox: Outbox, message: UnsentMessage): void {
  if (message.state !== "refused") return;
  message.code = undefined;
  message.errors = 0;
  message.isSuspect = false;
  change(outbox, message, mustWait(outbox) ? "kept" : "sending");
}

/**
 * Takes a message back, to cancel it or to edit it. While an attempt to send it is under way, that
 * is only a wish: it is granted when the attempt has ended without storing the message.
 */
export function takeBack(outbox: Outbox, message: UnsentMessage, why: TakeBack): void {
  message.wish = why;
  if (!isListed(outbox.messages, message.id)) return;
  if (message.state === "refused" || !isListed(outbox.underWay, message.id)) grant(outbox, message);
  else {
    save(outbox, outbox.messages);
    outbox.emitter.emit("changed", message);
  }
}

/** Removes a refused message. */
export function discard(outbox: Outbox, message: UnsentMessage): void {
  if (message.state === "refused") takeBack(outbox, message, "cancel");
}

/** Removes a message that was read in the log, which is as good as a receipt. */
export function found(outbox: Outbox, id: string): void {
  const { messages } = outbox;
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i] as UnsentMessage;
    if (message.id === id) remove(outbox, message);
  }
}

function settleOne(outbox: Outbox, message: UnsentMessage, outcome: { receipt: Receipt } | { refused: string }): void {
  if ("refused" in outcome) {
    message.code = outcome.refused;
    change(outbox, message, "refused");
  } else {
    message.wish = undefined;
    suspectStuck(outbox, message);
    remove(outbox, message);
    outbox.emitter.emit("sent", { message, receipt: outcome.receipt });
  }
}

/**
 * The site has failed at a message that was sent alone. Returns whether that is the message's
 * fault: it is refused then, and those behind it no longer wait for it.
 */
function isAtFault(outbox: Outbox, message: UnsentMessage): boolean {
  message.errors = (message.errors || 0) + 1;
  if (!message.isSuspect) return false;
  message.code = "internal";
  change(outbox, message, "refused");
  return true;
}

function isStuck({ errors = 0 }: UnsentMessage): boolean {
  return errors >= MOST_ERRORS;
}

/** Leaves out messages at which the site has failed again and again, if there are others. */
function passable(waiting: UnsentMessage[]): UnsentMessage[] {
  const others: UnsentMessage[] = [];
  for (let i = 0; i < waiting.length; i++) {
    const message = waiting[i] as UnsentMessage;
    if (!isStuck(message)) others.push(message);
  }
  return others.length > 0 ? others : waiting;
}

/** A later message was stored, so the site works. Those at which it failed get one more attempt. */
function suspectStuck({ messages }: Outbox, stored: UnsentMessage): void {
  for (let i = 0; i < messages.length && messages[i] !== stored; i++) {
    const message = messages[i] as UnsentMessage;
    if (!isStuck(message)) continue;
    message.errors = 0;
    message.isSuspect = true;
  }
}

/** Removes a message whose author wants it back. */
function grant(outbox: Outbox, message: UnsentMessage): void {
  const { wish } = message;
  if (wish === undefined || !isListed(outbox.messages, message.id)) return;
  remove(outbox, message);
  outbox.emitter.emit("discarded", message);
  if (wish === "edit") outbox.emitter.emit("edited", message);
}

/** Shows that nothing can be sent for now, so the authors of all that waits can take it back. */
function keepAll(outbox: Outbox, waitMs: number | undefined): void {
  const { messages, emitter } = outbox;
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i] as UnsentMessage;
    if (message.state === "refused") continue;
    const isOther = message.waitMs !== waitMs;
    message.waitMs = waitMs;
    if (message.state === "sending") change(outbox, message, "kept");
    else if (isOther) emitter.emit("changed", message);
  }
}

/** Whether a new message cannot be sent at once: an earlier one waits for the network. */
function mustWait({ phase, messages }: Outbox): boolean {
  for (let i = 0; i < messages.length; i++) if ((messages[i] as UnsentMessage).state === "kept") return true;
  return phase === "waiting";
}

function change(outbox: Outbox, message: UnsentMessage, state: UnsentMessage["state"]): void {
  const { messages, emitter } = outbox;
  // An attempt may end after its message was read in the log.
  if (message.state === state || !isListed(messages, message.id)) return;
  message.state = state;
  save(outbox, messages);
  emitter.emit("changed", message);
}

function remove(outbox: Outbox, message: UnsentMessage): void {
  save(outbox, without(outbox.messages, message));
}

function isListed(messages: UnsentMessage[], id: string): boolean {
  for (let i = 0; i < messages.length; i++) if ((messages[i] as UnsentMessage).id === id) return true;
  return false;
}

/** Stores the messages. A canceled one is not sent by another page either. */
function save(outbox: Outbox, messages: UnsentMessage[]): void {
  const kept: UnsentMessage[] = [];
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i] as UnsentMessage;
    if (message.wish !== "cancel") kept.push(message);
  }
  outbox.messages = messages;
  try {
    outbox.store.save(kept);
  } catch (_isFull) {
    // The messages are still in memory, from where they are sent.
    return;
  }
}
