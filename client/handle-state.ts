import type { RoomMessage, RoomNotice } from "../protocol/event.ts";
import type { Emitter } from "./core/base/emitter.ts";
import { type Conversation, release, start, stopSending } from "./core/conversation.ts";
import { type HandleEvents, type RefusedCode, RefusedError } from "./handle.ts";
import type { HandleEnd } from "./iterate.ts";

/** All that a handle knows. */
export type HandleState = {
  conversation: Conversation;
  emitter: Emitter<HandleEvents>;
  sent: Map<string, PromiseWithResolvers<RoomMessage | RoomNotice>>;
  /** Functions that give up the changes that have no answer yet. */
  changing: Set<(reason: Error) => void>;
  ready: PromiseWithResolvers<void>;
  isEntered: boolean;
  isLive: boolean;
  isRoomSought: boolean;
  /** Why nothing can be sent any more. */
  ended: Error | undefined;
  stopEntering(): void;
  isReading: boolean;
  /** Since when something else has answered that nothing is here; 0: it has not. */
  strangeSince: number;
  stopTimer(): void;
  /** Called once, when nothing is sent any more. */
  onEnd: Set<(end: HandleEnd) => void>;
};

/** A promise and the functions that settle it. */
export type PromiseWithResolvers<T> = { promise: Promise<T>; resolve(value: T): void; reject(error: Error): void };

/** The handle was closed by its own program, which is no failure. */
export class ClosedError extends Error {
  constructor() {
    super("The room was closed.");
    this.name = "ClosedError";
  }
}

/** Starts to read, once. */
export function startReading(handle: HandleState): void {
  if (handle.isReading) return;
  handle.isReading = true;
  handle.stopTimer();
  start(handle.conversation);
}

/** Lets the handle send, once its position is known and its member has entered. */
export function becomeReady({ isLive, isEntered, ready, conversation }: HandleState): void {
  if (!isLive || !isEntered) return;
  ready.resolve();
  release(conversation);
}

/** Ends a handle because of a refusal. */
export function refuse(handle: HandleState, code: RefusedCode): void {
  if (handle.ended !== undefined) return;
  handle.emitter.emit("refused", { code });
  end(handle, new RefusedError(code));
}

/** Sends nothing more. The handle keeps reading until it is closed. */
export function end(handle: HandleState, reason: Error): void {
  const { conversation, ready, sent, changing, onEnd } = handle;
  handle.ended ??= reason;
  const ended = handle.ended;
  stopSending(conversation);
  handle.stopEntering();
  ready.reject(ended);
  for (const id of [...sent.keys()]) settle(handle, id, (promise) => promise.reject(ended));
  for (const giveUp of changing) giveUp(ended);
  changing.clear();
  for (const run of onEnd) run({ reason: ended instanceof ClosedError ? undefined : ended });
  onEnd.clear();
}

/** Settles the promise of a message, if it has one. */
export function settle(
  { sent }: HandleState,
  id: string | undefined,
  how: (promise: PromiseWithResolvers<RoomMessage | RoomNotice>) => void,
): void {
  const promise = id === undefined ? undefined : sent.get(id);
  if (id === undefined || promise === undefined) return;
  sent.delete(id);
  how(promise);
}

/** Promise.withResolvers, which Node 20 lacks. A caller that ignores it listens to `refused`. */
export function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((one, other) => {
    resolve = one;
    reject = other;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
