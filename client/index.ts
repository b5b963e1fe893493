import type { RoomEvent } from "../protocol/event.ts";
import { PATHS } from "../protocol/paths.ts";
import { type Address, param } from "./core/base/address.ts";
import { createEmitter, type Emitter } from "./core/base/emitter.ts";
import { type Conversation, createConversation, hold, release, say, start, stopSending } from "./core/conversation.ts";
import { askOnce, type HistoryPage } from "./core/history.ts";
import { createSession, type SessionEvents } from "./core/reading/session.ts";
import type { SessionStatus } from "./core/reading/state.ts";
import type { Transport } from "./core/reading/transport.ts";
import { enter } from "./core/sending/enter.ts";
import { discard, type UnsentMessage } from "./core/sending/outbox.ts";
import { environment } from "./environment.ts";
import { http } from "./transports/fetch.ts";
import { createScriptAsk } from "./transports/jsonp.ts";
import { createSse } from "./transports/sse.ts";
import { createStream } from "./transports/stream.ts";

export type { EventKind, Member, MembersSignal, ResetSignal, RoomEvent, TypingSignal } from "../protocol/event.ts";
export type { HistoryPage } from "./core/history.ts";
export type { SessionStatus } from "./core/reading/state.ts";

/** The room to follow, and as whom. */
export type ConnectOptions = {
  room: string;
  /** The nickname to enter under. Without it and without a token, the handle can only read. */
  nickname?: string;
  /** `#rrggbb`; the server chooses one by default. */
  color?: string;
  /** The token of a session that exists already; then no nickname is needed. */
  token?: string;
  /** Where to continue reading, as `handle.cursor()` returned it. By default, reads from now on. */
  cursor?: string;
};

/**
 * The events of a handle. `event`: each entry of the room's log, once, in order; `state`: the state
 * of the connection; `members` and `typing`: signals that are not in the log; `reset`: the cursor
 * could not be continued, and events may be missing; `refused`: the server rejected a message or
 * the nickname.
 */
export type HandleEvents = Omit<SessionEvents, "status" | "ping" | "turn"> & { state: SessionStatus; refused: Refused };

/** A message that the server rejected for good, or the nickname if there is no `text`. */
export type Refused = { code: string; text?: string };

/** The server rejected a message or a nickname. See docs/protocol.md for the codes. */
export class RefusedError extends Error {
  readonly code: string;
  constructor(code: string) {
    super(`The server refused it: ${code}.`);
    this.name = "RefusedError";
    this.code = code;
  }
}

/** A room that is followed, whatever the network does. */
export type RoomHandle = {
  /** Adds a listener. Returns a function that removes it. */
  on<Name extends keyof HandleEvents>(name: Name, listener: (data: HandleEvents[Name]) => void): () => void;
  /**
   * Resolves once the position in the log is known, so that no later message is missed, and the
   * nickname is taken. Rejects with a RefusedError if the nickname is refused, and if the handle is
   * closed before.
   */
  ready: Promise<void>;
  /**
   * Sends a message exactly once, retrying as needed. Resolves with the stored event. Rejects with
   * a RefusedError, or if the handle is closed before.
   */
  send(text: string): Promise<RoomEvent>;
  /**
   * Reads the last `limit` messages (at most 200, by default 50) before a seq, by default the
   * newest, with the events between and after them. Of long runs of people who come and go it
   * leaves out parts, and names them in `skipped`. The seq of the first event is the next older
   * page's `before`; there is none if it is `oldest`. Rejects if there is no answer.
   */
  history(before?: number, limit?: number): Promise<HistoryPage>;
  /** Returns where another handle can continue reading. */
  cursor(): string;
  /** Closes the handle. A message without a receipt is not sent again. */
  close(): void;
};

/** All that a handle knows. */
type HandleState = {
  conversation: Conversation;
  emitter: Emitter<HandleEvents>;
  sent: Map<string, PromiseWithResolvers<RoomEvent>>;
  ready: PromiseWithResolvers<void>;
  isEntered: boolean;
  isLive: boolean;
  isRoomSought: boolean;
  /** Why nothing can be sent any more. */
  ended: Error | undefined;
  stopEntering(): void;
};

/** Follows a room of the chattera site at `url`, base path included, in a browser or in Node. */
export function connect(url: string, options: ConnectOptions): RoomHandle {
  // Events name the room by its own spelling; see "rooms" in the protocol.
  const named = { ...options, room: options.room.normalize("NFKC").toLowerCase() };
  const handle = createHandle(url, named);
  const { conversation, emitter, ready } = handle;
  listen(handle);
  start(conversation);
  if (!handle.isEntered) enterRoom(handle, named);
  return {
    on: emitter.on,
    ready: ready.promise,
    send: (text) => send(handle, text),
    history: (before, limit) => pageOf(handle, before, limit),
    cursor: () => conversation.session.after()[0] ?? "",
    close() {
      end(handle, new Error("The room was closed."));
      conversation.session.close();
    },
  };
}

function createHandle(url: string, { room, nickname, token, cursor }: ConnectOptions): HandleState {
  const address: Address = { base: url.replace(/\/+$/, ""), ...(token !== undefined && { token }) };
  const isForeign = typeof location !== "undefined" && new URL(url, location.href).origin !== location.origin;
  const script = isForeign ? createScriptAsk(http.json) : undefined;
  const conversation = createConversation({
    environment,
    http,
    script,
    address,
    position: { room, cursor: cursor ?? "", seq: -1 },
    streams: streamsOf(address),
    store: { load: () => [], save() {} },
    rttMs: 0,
    hidden: () => typeof document !== "undefined" && document.hidden,
    memory: { load: () => undefined, save() {} },
    openSession: createSession,
  });
  // A message that is sent before the position in the log is known would not come back to its
  // author.
  hold(conversation);
  return {
    conversation,
    emitter: createEmitter(environment),
    sent: new Map(),
    ready: withResolvers(),
    isEntered: nickname === undefined || token !== undefined,
    isLive: false,
    isRoomSought: false,
    ended: undefined,
    stopEntering() {},
  };
}

function streamsOf(address: Address): Transport[] {
  const streams: Transport[] = [];
  if (typeof EventSource !== "undefined") streams.push(createSse(address));
  if (typeof ReadableStream !== "undefined" && typeof TextDecoderStream !== "undefined")
    streams.push(createStream(address));
  return streams;
}

function listen(handle: HandleState): void {
  const { session, outbox } = handle.conversation;
  for (const name of ["event", "members", "typing", "reset"] as const) {
    session.on(name, (data) => handle.emitter.emit(name, data as never));
  }
  // An event that was read in the log is as good as a receipt.
  session.on("event", (event) => settle(handle, event.id, (promise) => promise.resolve(event)));
  session.on("status", (status) => {
    handle.emitter.emit("state", status);
    if (status.state === "waiting" && !handle.isLive) void seekRoom(handle);
    handle.isLive ||= status.state === "live";
    becomeReady(handle);
  });
  outbox.emitter.on("sent", ({ message, receipt }) =>
    settle(handle, message.id, (promise) => promise.resolve(receipt.event)),
  );
  outbox.emitter.on("changed", (message) => {
    if (message.state === "refused") messageRefused(handle, message);
  });
}

function messageRefused(handle: HandleState, message: UnsentMessage): void {
  const { id, text, code = "internal" } = message;
  handle.emitter.emit("refused", { code, text });
  discard(handle.conversation.outbox, message);
  settle(handle, id, (promise) => promise.reject(new RefusedError(code)));
}

function send(handle: HandleState, text: string): Promise<RoomEvent> {
  const promise = withResolvers<RoomEvent>();
  if (handle.ended !== undefined) promise.reject(handle.ended);
  else handle.sent.set(say(handle.conversation, text).id, promise);
  return promise.promise;
}

function settle(
  { sent }: HandleState,
  id: string | undefined,
  how: (promise: PromiseWithResolvers<RoomEvent>) => void,
): void {
  const promise = id === undefined ? undefined : sent.get(id);
  if (id === undefined || promise === undefined) return;
  sent.delete(id);
  how(promise);
}

function enterRoom(handle: HandleState, { room, nickname = "", color }: ConnectOptions): void {
  const { session, sender } = handle.conversation;
  const entry = { room, nickname, ...(color !== undefined && { color }) };
  handle.stopEntering = enter(sender, entry, (outcome) => {
    if ("refused" in outcome) refuse(handle, outcome.refused);
    else {
      handle.isEntered = true;
      // The server has opened the current connections for a visitor.
      session.wake(true);
      becomeReady(handle);
    }
  });
}

function becomeReady({ isLive, isEntered, ready, conversation }: HandleState): void {
  if (!isLive || !isEntered) return;
  ready.resolve();
  release(conversation);
}

/** Finds out whether there is such a room. If there is none, waiting for it is of no use. */
async function seekRoom(handle: HandleState): Promise<void> {
  if (handle.isRoomSought) return;
  handle.isRoomSought = true;
  const error = await pageOf(handle, undefined, 1).catch((reason) => reason as Error);
  if (error instanceof RefusedError && error.code === "no_such_room") refuse(handle, error.code);
  else if (error instanceof Error) handle.isRoomSought = false;
}

function refuse(handle: HandleState, code: string): void {
  if (handle.ended !== undefined) return;
  handle.emitter.emit("refused", { code });
  end(handle, new RefusedError(code));
}

/** Sends nothing more. The handle keeps reading until it is closed. */
function end(handle: HandleState, reason: Error): void {
  const { conversation, ready, sent } = handle;
  handle.ended ??= reason;
  const ended = handle.ended;
  stopSending(conversation);
  handle.stopEntering();
  ready.reject(ended);
  for (const id of [...sent.keys()]) settle(handle, id, (promise) => promise.reject(ended));
}

function pageOf({ conversation }: HandleState, before?: number, limit?: number): Promise<HistoryPage> {
  const { room, sender } = conversation;
  let path = PATHS.messages(room);
  if (before !== undefined) path += param("before", String(before));
  if (limit !== undefined) path += param("limit", String(limit));
  return new Promise((resolve, reject) => {
    askOnce({ ...sender, http: { ...http, ask: sender.script ?? http.ask } }, path, (status, ours = {}) => {
      const { events, skipped, oldest, code } = ours as Partial<HistoryPage> & { code?: string };
      if (events !== undefined && oldest !== undefined) resolve({ events, ...(skipped && { skipped }), oldest });
      else reject(code === undefined ? new Error(`The site did not answer (${status}).`) : new RefusedError(code));
    });
  });
}

type PromiseWithResolvers<T> = { promise: Promise<T>; resolve(value: T): void; reject(error: Error): void };

/** Promise.withResolvers, which Node 20 lacks. A caller that ignores it listens to `refused`. */
function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((one, other) => {
    resolve = one;
    reject = other;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
