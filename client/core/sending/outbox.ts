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
  state: "sending" | "kept" | "refused";
  /** The code of the refusal. */
  code?: string;
};

/** The server's answer to a message: the event that it became, and a cursor behind it. */
export type Receipt = { event: RoomEvent; cursor: string };

/**
 * The outcome of one attempt to send a message. `retry`: it may or may not have arrived; sending it
 * again under the same id is harmless.
 */
export type SendOutcome =
  | { receipt: Receipt; rttMs: number }
  | { refused: string }
  | { retry: true; retryMs?: number | undefined };

/** Where unsent messages outlive a reload. */
export type MessageStore = { load(): UnsentMessage[]; save(messages: UnsentMessage[]): void };

/** The events of an outbox. */
export type OutboxEvents = {
  /** A message is new, or its state has changed. */
  changed: UnsentMessage;
  sent: { message: UnsentMessage; receipt: Receipt };
  discarded: UnsentMessage;
};

/**
 * Messages on their way: one at a time, in order, each until it has a receipt or is refused.
 * `held`: nothing may be sent yet; `waiting`: the last attempt failed, and the back-off runs.
 */
export type Outbox = {
  environment: Environment;
  emitter: Emitter<OutboxEvents>;
  store: MessageStore;
  phase: "held" | "idle" | "sending" | "waiting" | "closed";
  backoff: Backoff;
  /** Oldest first. */
  messages: UnsentMessage[];
};

/** Creates an outbox with the messages that an earlier page has left. */
export function createOutbox(environment: Environment, store: MessageStore): Outbox {
  return {
    environment,
    emitter: createEmitter(environment),
    store,
    phase: "idle",
    backoff: createBackoff(environment),
    messages: store.load(),
  };
}

/** Adds a message. */
export function put(outbox: Outbox, text: string): UnsentMessage {
  const { environment, phase, messages } = outbox;
  const id = createClientId(environment);
  const message: UnsentMessage = { id, text, state: phase === "waiting" ? "kept" : "sending" };
  save(outbox, messages.concat([message]));
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

/** Returns the message to be sent now; `undefined` if there is none, or if it is not yet time. */
export function takeNext(outbox: Outbox): UnsentMessage | undefined {
  const { phase, messages } = outbox;
  for (let i = 0; i < messages.length && phase === "idle"; i++) {
    const message = messages[i] as UnsentMessage;
    if (message.state === "refused") continue;
    outbox.phase = "sending";
    change(outbox, message, "sending");
    return message;
  }
  return undefined;
}

/**
 * Notes the outcome of an attempt. Returns for how many milliseconds to wait before the next one;
 * `undefined` if there is no need to wait.
 */
export function settle(outbox: Outbox, message: UnsentMessage, outcome: SendOutcome): number | undefined {
  if ("retry" in outcome) {
    outbox.phase = "waiting";
    change(outbox, message, "kept");
    return nextDelay(outbox.backoff, outcome.retryMs);
  }
  outbox.phase = "idle";
  resetBackoff(outbox.backoff);
  if ("refused" in outcome) {
    message.code = outcome.refused;
    change(outbox, message, "refused");
  } else {
    remove(outbox, message);
    outbox.emitter.emit("sent", { message, receipt: outcome.receipt });
  }
  return undefined;
}

/** Lets a refused message be sent again. */
export function retryRefused(outbox: Outbox, message: UnsentMessage): void {
  if (message.state === "refused") change(outbox, message, "kept");
}

/** Removes a refused message. */
export function discard(outbox: Outbox, message: UnsentMessage): void {
  if (message.state !== "refused") return;
  remove(outbox, message);
  outbox.emitter.emit("discarded", message);
}

/** Removes a message that was read in the log, which is as good as a receipt. */
export function found(outbox: Outbox, id: string): void {
  const { messages } = outbox;
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i] as UnsentMessage;
    if (message.id === id) remove(outbox, message);
  }
}

function change(outbox: Outbox, message: UnsentMessage, state: UnsentMessage["state"]): void {
  const { messages, emitter } = outbox;
  // An attempt may end after its message was read in the log.
  if (message.state === state || without(messages, message).length === messages.length) return;
  message.state = state;
  save(outbox, messages);
  emitter.emit("changed", message);
}

function remove(outbox: Outbox, message: UnsentMessage): void {
  save(outbox, without(outbox.messages, message));
}

function save(outbox: Outbox, messages: UnsentMessage[]): void {
  outbox.messages = messages;
  outbox.store.save(messages);
}
