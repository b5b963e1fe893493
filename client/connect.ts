import type { Member, RoomEdit, RoomErase, RoomEvent, RoomMessage, RoomNotice } from "../protocol/event.ts";
import { PATHS } from "../protocol/paths.ts";
import { type Address, param } from "./core/base/address.ts";
import { createEmitter, type Emitter } from "./core/base/emitter.ts";
import { type Conversation, createConversation, hold, release, say, start, stopSending } from "./core/conversation.ts";
import { askOnce, type HistoryPage } from "./core/history.ts";
import { createSession } from "./core/reading/session.ts";
import type { Transport } from "./core/reading/transport.ts";
import { type Answered, changeMessage, renameMember } from "./core/sending/change.ts";
import { enter } from "./core/sending/enter.ts";
import { discard, type UnsentMessage } from "./core/sending/outbox.ts";
import { environment } from "./environment.ts";
import { type ConnectOptions, type HandleEvents, RefusedError, type RoomHandle } from "./handle.ts";
import { browserConnections, type Connections, connectionsOf, createHttp, type Fetch } from "./transports/fetch.ts";
import { createScriptAsk } from "./transports/jsonp.ts";
import { createSse } from "./transports/sse.ts";
import { createStream } from "./transports/stream.ts";

const ENTERING_MS = 1_000;
// The code for an address where there is no such site. A proxy may also answer 404 while the site
// restarts.
const NO_SITE = "no_site";
const STRANGE_MS = 10_000;

/** All that a handle knows. */
type HandleState = {
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
};

/**
 * Follows a room of the chattera site at `url`, base path included. `open` returns connections of
 * the client's own, where the environment has none that suit.
 */
export function connectBy(
  open: (site: URL) => Connections | undefined,
  url: string,
  options: ConnectOptions,
): RoomHandle {
  const site = siteOf(url);
  const { fetch: ask = undefined } = options;
  const own = ask === undefined ? open(site) : connectionsOf(ask as Fetch);
  // Events name the room by its own spelling; see "rooms" in the protocol.
  const named = { ...options, room: options.room.normalize("NFKC").toLowerCase() };
  const handle = createHandle({ site, own }, named);
  const { conversation, emitter, ready } = handle;
  const { room, sender } = conversation;
  listen(handle);
  if (handle.isEntered) startReading(handle);
  else enterRoom(handle, named);
  return {
    on: emitter.on,
    ready: ready.promise,
    send: (text, { reply } = {}) => send(handle, text, reply),
    edit: (seq, text) => change<RoomEdit>(handle, (done) => changeMessage(sender, { room, seq, text }, done)),
    erase: (seq) => change<RoomErase>(handle, (done) => changeMessage(sender, { room, seq }, done)),
    rename: (nickname, color) =>
      change<Member>(handle, (done) => renameMember(sender, { room, nickname, color }, done)),
    history: (before, limit) => pageOf(handle, before, limit),
    cursor: () => conversation.session.after()[0] ?? "",
    close() {
      end(handle, new Error("The room was closed."));
      handle.stopTimer();
      handle.isReading = true;
      conversation.session.close();
      own?.close();
    },
  };
}

/** Returns the address of a site. Throws a TypeError if it is none of the web. */
function siteOf(url: string): URL {
  let site: URL | undefined;
  try {
    if (url !== "") site = new URL(url, typeof location === "undefined" ? undefined : location.href);
  } catch (_invalid) {
    site = undefined;
  }
  if (site === undefined || !/^https?:$/.test(site.protocol)) {
    throw new TypeError(`"${url}" is not the address of a site. It has to begin with http:// or https://.`);
  }
  return site;
}

function createHandle(
  { site, own }: { site: URL; own: Connections | undefined },
  { room, nickname, token, cursor }: ConnectOptions,
): HandleState {
  // Without a query and a hash, which are no part of a base path.
  const base = (site.origin + site.pathname).replace(/\/+$/, "");
  const address: Address = { base, ...(token !== undefined && { token }) };
  const http = createHttp(own ?? browserConnections);
  const isForeign = own === undefined && typeof location !== "undefined" && site.origin !== location.origin;
  const script = isForeign ? createScriptAsk(http.json) : undefined;
  const conversation = createConversation({
    environment,
    http,
    script,
    address,
    position: { room, cursor: cursor ?? "", seq: -1 },
    streams: streamsOf(address, own),
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
    changing: new Set(),
    ready: withResolvers(),
    isEntered: nickname === undefined || token !== undefined,
    isLive: false,
    isRoomSought: false,
    ended: undefined,
    stopEntering() {},
    isReading: false,
    strangeSince: 0,
    stopTimer() {},
  };
}

function streamsOf(address: Address, own: Connections | undefined): Transport[] {
  const streams: Transport[] = [];
  // An EventSource has connections of its own.
  if (own === undefined && typeof EventSource !== "undefined") streams.push(createSse(address));
  if (typeof ReadableStream !== "undefined" && typeof TextDecoderStream !== "undefined")
    streams.push(createStream(address, own));
  return streams;
}

/** Starts to read, once. */
function startReading(handle: HandleState): void {
  if (handle.isReading) return;
  handle.isReading = true;
  handle.stopTimer();
  start(handle.conversation);
}

function listen(handle: HandleState): void {
  const { session, outbox } = handle.conversation;
  for (const name of ["event", "members", "typing", "reset"] as const) {
    session.on(name, (data) => handle.emitter.emit(name, data as never));
  }
  // An event that was read in the log is as good as a receipt.
  session.on("event", (event) => {
    if (isSaid(event)) settle(handle, event.id, (promise) => promise.resolve(event));
  });
  session.on("status", (status) => {
    handle.emitter.emit("state", status);
    if (status.state === "waiting" && !handle.isLive) void seekRoom(handle);
    handle.isLive ||= status.state === "live";
    becomeReady(handle);
  });
  outbox.emitter.on("sent", ({ message, receipt: { event } }) => {
    if (isSaid(event)) settle(handle, message.id, (promise) => promise.resolve(event));
  });
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

function isSaid(event: RoomEvent): event is RoomMessage | RoomNotice {
  return event.kind === "message" || event.kind === "notice";
}

function send(handle: HandleState, text: string, reply: number | undefined): Promise<RoomMessage | RoomNotice> {
  const promise = withResolvers<RoomMessage | RoomNotice>();
  if (handle.ended !== undefined) promise.reject(handle.ended);
  else handle.sent.set(say(handle.conversation, text, reply).id, promise);
  return promise.promise;
}

/**
 * Runs a change once the handle is ready, until the server has answered or the handle is closed.
 */
function change<Value>(
  handle: HandleState,
  begin: (done: (outcome: Answered<unknown>) => void) => () => void,
): Promise<Value> {
  const { ready, changing } = handle;
  const promise = withResolvers<Value>();
  const start = () => {
    if (handle.ended !== undefined) {
      promise.reject(handle.ended);
      return;
    }
    const giveUp = begin((outcome) => {
      changing.delete(end);
      if ("refused" in outcome) promise.reject(new RefusedError(outcome.refused));
      else promise.resolve(outcome.done as Value);
    });
    const end = (reason: Error) => {
      giveUp();
      promise.reject(reason);
    };
    changing.add(end);
  };
  ready.promise.then(start, promise.reject);
  return promise.promise;
}

function settle(
  { sent }: HandleState,
  id: string | undefined,
  how: (promise: PromiseWithResolvers<RoomMessage | RoomNotice>) => void,
): void {
  const promise = id === undefined ? undefined : sent.get(id);
  if (id === undefined || promise === undefined) return;
  sent.delete(id);
  how(promise);
}

function enterRoom(handle: HandleState, { room, nickname = "", color }: ConnectOptions): void {
  const { session, sender } = handle.conversation;
  // Two connections are all that some networks have. The first requests are those of entering, and
  // then all are read as a member. If entering takes long, the reader learns why.
  handle.stopTimer = environment.later(ENTERING_MS, () => startReading(handle));
  const entry = { room, nickname, ...(color !== undefined && { color }) };
  handle.stopEntering = enter(sender, entry, (outcome) => {
    const wasReading = handle.isReading;
    startReading(handle);
    if ("refused" in outcome) {
      refuse(handle, outcome.refused);
      return;
    }
    handle.isEntered = true;
    // The server has opened the current connections for a visitor.
    if (wasReading) session.wake(true);
    becomeReady(handle);
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
  else if (error instanceof Error) {
    handle.isRoomSought = false;
    noteStrange(handle, error);
  }
}

/** Refuses an address at which something else than the site answers, and keeps doing so. */
function noteStrange(handle: HandleState, error: Error): void {
  const now = environment.now();
  if (!(error instanceof RefusedError) || error.code !== NO_SITE) handle.strangeSince = 0;
  else if (handle.strangeSince === 0) handle.strangeSince = now;
  else if (now - handle.strangeSince > STRANGE_MS) refuse(handle, NO_SITE);
}

function refuse(handle: HandleState, code: string): void {
  if (handle.ended !== undefined) return;
  handle.emitter.emit("refused", { code });
  end(handle, new RefusedError(code));
}

/** Sends nothing more. The handle keeps reading until it is closed. */
function end(handle: HandleState, reason: Error): void {
  const { conversation, ready, sent, changing } = handle;
  handle.ended ??= reason;
  const ended = handle.ended;
  stopSending(conversation);
  handle.stopEntering();
  ready.reject(ended);
  for (const id of [...sent.keys()]) settle(handle, id, (promise) => promise.reject(ended));
  for (const giveUp of changing) giveUp(ended);
  changing.clear();
}

function pageOf({ conversation }: HandleState, before?: number, limit?: number): Promise<HistoryPage> {
  const { room, sender } = conversation;
  let path = PATHS.messages(room);
  if (before !== undefined) path += param("before", String(before));
  if (limit !== undefined) path += param("limit", String(limit));
  return new Promise((resolve, reject) => {
    const { http, script } = sender;
    askOnce({ ...sender, http: { ...http, ask: script ?? http.ask } }, path, (status, ours = {}) => {
      const { events, skipped, oldest, code } = ours as Partial<HistoryPage> & { code?: string };
      if (events !== undefined && oldest !== undefined) resolve({ events, ...(skipped && { skipped }), oldest });
      else if (code !== undefined) reject(new RefusedError(code));
      else reject(status === 404 ? new RefusedError(NO_SITE) : new Error(`The site did not answer (${status}).`));
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
