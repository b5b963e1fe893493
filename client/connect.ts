import type { ErrorCode } from "../protocol/error-code.ts";
import type { Member, RoomEdit, RoomErase, RoomEvent, RoomMessage, RoomNotice } from "../protocol/event.ts";
import { SLUG_LENGTH } from "../protocol/limits.ts";
import { PATHS } from "../protocol/paths.ts";
import { type Address, param } from "./core/base/address.ts";
import { createEmitter } from "./core/base/emitter.ts";
import { createConversation, hold, say } from "./core/conversation.ts";
import { askOnce, type HistoryPage } from "./core/history.ts";
import { createSession } from "./core/reading/session.ts";
import type { Transport } from "./core/reading/transport.ts";
import { type Answered, changeMessage, moveMember, renameMember } from "./core/sending/change.ts";
import { discard, type UnsentMessage } from "./core/sending/outbox.ts";
import { enterRoom } from "./enter-room.ts";
import { environment } from "./environment.ts";
import { type ConnectOptions, type HandleStatus, type RefusedCode, RefusedError, type RoomHandle } from "./handle.ts";
import {
  becomeReady,
  ClosedError,
  end,
  type HandleState,
  refuse,
  settle,
  startReading,
  withResolvers,
} from "./handle-state.ts";
import { isHidden } from "./hidden.ts";
import { type HandleEnd, iterate } from "./iterate.ts";
import { browserConnections, type Connections, connectionsOf, createHttp, type Fetch } from "./transports/fetch.ts";
import { createScriptAsk } from "./transports/jsonp.ts";
import { createSse } from "./transports/sse.ts";
import { createStream } from "./transports/stream.ts";

// The code for an address where there is no such site. A proxy may also answer 404 while the site
// restarts.
const NO_SITE = "no_site";
const STRANGE_MS = 10_000;

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
  // In JavaScript, the options may be missing.
  const room = roomOf((options as ConnectOptions | undefined)?.room);
  const { fetch: ask = undefined } = options;
  const own = ask === undefined ? open(site) : connectionsOf(ask as Fetch);
  const handle = createHandle({ site, own }, { ...options, room });
  const { signal } = options;
  const abort = () => close(signal?.reason as Error);
  const close = (reason: Error = new ClosedError()) => {
    signal?.removeEventListener("abort", abort);
    end(handle, reason);
    handle.stopTimer();
    handle.isReading = true;
    handle.conversation.session.close();
    own?.close();
  };
  listen(handle);
  if (handle.isEntered) startReading(handle);
  else enterRoom(handle, { ...options, room });
  signal?.addEventListener("abort", abort);
  if (signal?.aborted) abort();
  return handleOf(handle, close);
}

function handleOf(handle: HandleState, close: (reason?: Error) => void): RoomHandle {
  const { conversation, emitter } = handle;
  const { room, sender } = conversation;
  const leave = () => leaveRoom(handle, () => close());
  return {
    on: emitter.on,
    ready: readyOf(handle),
    send: (text, { reply } = {}) => send(handle, text, reply),
    edit: (seq, text) => change<RoomEdit>(handle, (done) => changeMessage(sender, { room, seq, text }, done)),
    erase: (seq) => change<RoomErase>(handle, (done) => changeMessage(sender, { room, seq }, done)),
    rename: (nickname, color) =>
      change<Member>(handle, (done) => renameMember(sender, { room, nickname, color }, done)),
    history: (before, limit) => pageOf(handle, before, limit),
    cursor: () => conversation.session.after()[0] ?? "",
    token: () => sender.address.token,
    leave,
    close: () => close(),
    // In an environment without this symbol, it is a property that nobody reads.
    [Symbol.asyncDispose]: leave,
    [Symbol.asyncIterator]: () =>
      iterate(
        (take) => emitter.on("event", take),
        (run) => whenEnded(handle, run),
      ),
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

/**
 * Returns the name of a room in the spelling that events have; see "rooms" in the protocol. Throws
 * a TypeError if no room can have that name.
 */
function roomOf(name: string | undefined): string {
  const room = typeof name === "string" ? name.normalize("NFKC").toLowerCase() : "";
  if (!ROOM_NAME.test(room) || [...room].length > SLUG_LENGTH)
    throw new TypeError(`"${name}" is not the name of a room. It has 1 to ${SLUG_LENGTH} letters, digits, - and _.`);
  return room;
}

const ROOM_NAME = /^[\p{L}\p{N}_-][\p{L}\p{N}\p{M}_-]*$/u;

/** Calls a function once the handle sends nothing more. Returns a function that prevents it. */
function whenEnded({ ended, onEnd }: HandleState, run: (end: HandleEnd) => void): () => void {
  if (ended === undefined) onEnd.add(run);
  else run({ reason: ended instanceof ClosedError ? undefined : ended });
  return () => onEnd.delete(run);
}

/** The promise for programs, which does not reject because they close the handle. */
function readyOf({ ready }: HandleState): Promise<void> {
  const promise = withResolvers<void>();
  ready.promise.then(promise.resolve, (reason) => {
    if (!(reason instanceof ClosedError)) promise.reject(reason);
  });
  return promise.promise;
}

/** Nothing is left to leave if that is refused, or if the handle is closed meanwhile. */
async function leaveRoom(handle: HandleState, close: () => void): Promise<void> {
  const { conversation, sent, isEntered } = handle;
  const { room, sender } = conversation;
  await Promise.allSettled([...sent.values()].map(({ promise }) => promise));
  const isMember = isEntered && sender.address.token !== undefined;
  if (isMember) await change(handle, (done) => moveMember(sender, PATHS.leave(room), done)).then(close, close);
  else close();
}

function createHandle(
  { site, own }: { site: URL; own: Connections | undefined },
  { room, nickname, token, cursor }: ConnectOptions,
): HandleState {
  // Without a query and a hash, which are no part of a base path.
  const base = (site.origin + site.pathname).replace(/\/+$/, "");
  const address: Address = { base, ...(token !== undefined && { token }) };
  const http = createHttp(own ?? browserConnections);
  // A worker has no document for scripts.
  const isForeign = own === undefined && typeof document !== "undefined" && site.origin !== location.origin;
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
    hidden: isHidden,
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
    isEntered: nickname === undefined && token === undefined,
    isLive: false,
    isRoomSought: false,
    ended: undefined,
    stopEntering() {},
    isReading: false,
    strangeSince: 0,
    stopTimer() {},
    onEnd: new Set(),
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
    handle.emitter.emit("state", status as HandleStatus);
    if (status.state === "waiting" && !handle.isLive) void seekRoom(handle);
    // The room was removed while it was read. Nothing will come of waiting.
    if (handle.isLive && status.refused === "no_such_room") refuse(handle, "no_such_room");
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
  const { id, text } = message;
  const code = (message.code ?? "internal") as RefusedCode;
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
      if ("refused" in outcome) promise.reject(new RefusedError(outcome.refused as RefusedCode));
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

function pageOf({ conversation }: HandleState, before?: number, limit?: number): Promise<HistoryPage> {
  const { room, sender } = conversation;
  let path = PATHS.messages(room);
  if (before !== undefined) path += param("before", String(before));
  if (limit !== undefined) path += param("limit", String(limit));
  return new Promise((resolve, reject) => {
    const { http, script } = sender;
    askOnce({ ...sender, http: { ...http, ask: script ?? http.ask } }, path, (status, ours = {}) => {
      const { events, skipped, oldest, code } = ours as Partial<HistoryPage> & { code?: ErrorCode };
      if (events !== undefined && oldest !== undefined) resolve({ events, ...(skipped && { skipped }), oldest });
      else if (code !== undefined) reject(new RefusedError(code));
      else reject(status === 404 ? new RefusedError(NO_SITE) : new Error(`The site did not answer (${status}).`));
    });
  });
}
