import type { RoomEvent } from "../protocol/event.ts";
import { PATHS } from "../protocol/paths.ts";
import { createEmitter } from "./core/base/emitter.ts";
import { createNonce, type Environment } from "./core/base/environment.ts";
import type { Ask } from "./core/base/http.ts";
import { createBackoff } from "./core/network/backoff.ts";
import { createConfirm } from "./core/reading/confirm.ts";
import { createPoll, readOurs } from "./core/reading/poll.ts";
import { createSession, type SessionEvents } from "./core/reading/session.ts";
import type { SessionStatus } from "./core/reading/state.ts";
import type { Transport } from "./core/reading/transport.ts";
import { type Address, param } from "./core/reading/url.ts";
import { createOutbox, type Outcome, type Remark } from "./core/sending/outbox.ts";
import { createSender } from "./core/sending/send.ts";
import { ticketed, useTickets } from "./core/sending/tickets.ts";
import { http } from "./transports/fetch.ts";
import { createScriptAsk } from "./transports/jsonp.ts";
import { createSse } from "./transports/sse.ts";
import { createStream } from "./transports/stream.ts";

export type { EventKind, Member, MembersSignal, ResetSignal, RoomEvent, TypingSignal } from "../protocol/event.ts";
export type { SessionStatus } from "./core/reading/state.ts";

/** The room to follow, and as whom. */
export type ConnectOptions = {
  room: string;
  /** Enter under this name. Without it and without a token one can only read. */
  nickname?: string;
  /** `#rrggbb`; the server chooses one by default. */
  color?: string;
  /** The token of a session that exists already; then no nickname is needed. */
  token?: string;
  /** Where to go on reading, as `handle.cursor()` gave it; default: from now on. */
  cursor?: string;
};

/**
 * What a handle tells: `event` each entry of the room's log, once, in order; `state` how the connection stands; `members`,
 * `typing` passing news; `reset` that the cursor could not be continued and events may be missing; `refused` what the
 * server would not have, by its code.
 */
export type RoomNews = Omit<SessionEvents, "status" | "ping"> & { state: SessionStatus; refused: Refused };

/** A message, or the nickname where there is no `text`, that the server refused for good. */
export type Refused = { code: string; text?: string };

/** The server would not have a message or a nickname; `code` is the refusal's, see docs/protocol.md. */
export class RefusedError extends Error {
  readonly code: string;
  constructor(code: string) {
    super(`The server refused it: ${code}.`);
    this.name = "RefusedError";
    this.code = code;
  }
}

/** A page of a room's log, oldest first; `oldest` is the first seq that is kept. */
export type HistoryPage = { events: RoomEvent[]; oldest: number };

/** A room that is followed, over whatever the network does. */
export type RoomHandle = {
  /** Returns what ends the listening. */
  on<Name extends keyof RoomNews>(name: Name, listener: (news: RoomNews[Name]) => void): () => void;
  /** Resolves once the place in the log is known (what is said from then on is not missed) and the nickname is taken; rejects with a RefusedError when the nickname is refused, and when the handle is closed before. */
  ready: Promise<void>;
  /** Says something once, however often it has to be sent; resolves with its event once that is in the log. Rejects with a RefusedError, or when the handle is closed before. */
  send(text: string): Promise<RoomEvent>;
  /** The events before a seq (default: the newest), at most 200 (default 50) of them. Rejects when there is no answer. */
  history(before?: number, limit?: number): Promise<HistoryPage>;
  /** Where to go on reading in another handle. */
  cursor(): string;
  /** Ends it; what has no receipt yet is not sent again. */
  close(): void;
};

const HISTORY_TIMEOUT_MS = 15_000;

/** Follows a room of the chattera site at `url` (its base path included), in a browser or in Node 20 or newer. */
export function connect(url: string, options: ConnectOptions): RoomHandle {
  const address: Address = { base: url.replace(/\/+$/, "") };
  if (options.token !== undefined) address.token = options.token;
  useTickets(environment, http, address);
  const { room } = options;
  const emitter = createEmitter<RoomNews>(environment);
  const isForeign = typeof location !== "undefined" && new URL(url, location.href).origin !== location.origin;
  const script = isForeign ? createScriptAsk(http.json) : undefined;
  const backoff = createBackoff(environment);
  const sender = createSender(environment, http, address, script);
  const session = createSession({
    environment,
    rooms: [{ room, cursor: options.cursor ?? "", seq: -1 }],
    streams: streamsOf(address),
    confirm: createConfirm(environment, http, address),
    polls:
      script === undefined
        ? [ticketed(address, createPoll(http, address))]
        : [ticketed(address, createPoll(http, address)), createPoll(http, address, "jsonp", script)],
    rttMs: 0,
    hidden: () => typeof document !== "undefined" && document.hidden,
    memory: { load: () => undefined, save() {} },
  });
  const outbox = createOutbox(environment, { load: () => [], save() {} }, (remark, done) => {
    // What is said before the session knows its place in the log would not come back to its own speaker.
    if (!isReady) done({ retry: true });
    else say(remark, done);
  });
  const sent = new Map<string, PromiseWithResolvers<RoomEvent>>();
  const ready = withResolvers<void>();
  let isEntered = options.nickname === undefined || options.token !== undefined;
  let isLive = false;
  let isReady = false;
  let isRoomSought = false;
  /** Why nothing can be said any more. */
  let ended: Error | undefined;
  let stopEntering = () => {};

  // Who does not wait for it is told by `refused`.
  ready.promise.catch(ignore);
  for (const name of ["event", "members", "typing", "reset"] as const) {
    session.on(name, (news) => emitter.emit(name, news as never));
  }
  session.on("event", (event) => {
    // Read in the log: as good as a receipt.
    if (event.id === undefined || !sent.has(event.id)) return;
    outbox.found(event.id);
    settle(event.id, (promise) => promise.resolve(event));
  });
  session.on("status", (status) => {
    emitter.emit("state", status);
    if (status.state === "waiting" && !isLive) seekRoom();
    isLive ||= status.state === "live";
    becomeReady();
  });
  outbox.on("sent", ({ remark, receipt, rttMs }) => {
    session.expect(room, receipt.event.seq, rttMs);
    settle(remark.id, (promise) => promise.resolve(receipt.event));
  });
  outbox.on("changed", ({ state, code = "internal", id, text }) => {
    if (state !== "refused") return;
    emitter.emit("refused", { code, text });
    outbox.discard(id);
    settle(id, (promise) => promise.reject(new RefusedError(code)));
  });
  session.start();
  if (!isEntered) enter();

  return {
    on: emitter.on,
    ready: ready.promise,
    send(text) {
      const promise = withResolvers<RoomEvent>();
      // who does not wait for it is told by `refused`
      promise.promise.catch(ignore);
      if (ended !== undefined) promise.reject(ended);
      else sent.set(outbox.say(text).id, promise);
      return promise.promise;
    },
    history,
    cursor: () => session.after()[0] ?? "",
    close() {
      end(new Error(CLOSED));
      stopEntering();
      session.close();
    },
  };

  function history(before?: number, limit?: number): Promise<HistoryPage> {
    return readHistory(script ?? http.ask, address, room, before, limit);
  }

  function say(remark: Remark, done: (outcome: Outcome) => void): void {
    session.sending(true);
    sender.say(room, remark, (outcome) => {
      session.sending(false);
      done(outcome);
    });
  }

  function settle(id: string, how: (promise: PromiseWithResolvers<RoomEvent>) => void): void {
    const promise = sent.get(id);
    sent.delete(id);
    if (promise !== undefined) how(promise);
  }

  function becomeReady(): void {
    if (isReady || !isLive || !isEntered) return;
    isReady = true;
    ready.resolve();
    outbox.wake();
  }

  function enter(): void {
    const person = {
      nickname: options.nickname as string,
      ...(options.color !== undefined && { color: options.color }),
    };
    sender.session(person, (outcome) => {
      if (ended !== undefined) return;
      if ("retry" in outcome) stopEntering = environment.later(backoff.next(outcome.retryMs), enter);
      else if ("refused" in outcome) refuse(outcome.refused);
      else enterRoom(outcome.token);
    });
  }

  // Where POST is blocked nobody enters by it: the first message does.
  function enterRoom(token: string): void {
    address.token = token;
    sender.act(PATHS.enter(room), (outcome) => {
      if (ended !== undefined) return;
      if ("retry" in outcome) stopEntering = environment.later(backoff.next(outcome.retryMs), () => enterRoom(token));
      else if ("refused" in outcome) refuse(outcome.refused);
      else {
        isEntered = true;
        // The open feed is a visitor's.
        session.wake(true);
        becomeReady();
      }
    });
  }

  /** Is it that there is no such room? Then it is not worth waiting for. */
  function seekRoom(): void {
    if (isRoomSought) return;
    isRoomSought = true;
    history(undefined, 1).catch((error) => {
      if (error instanceof RefusedError && error.code === "no_such_room") refuse(error.code);
      else isRoomSought = false;
    });
  }

  function refuse(code: string): void {
    if (ended !== undefined) return;
    emitter.emit("refused", { code });
    end(new RefusedError(code));
  }

  /** Nothing can be said any more; what is read goes on until it is closed. */
  function end(reason: Error): void {
    ended ??= reason;
    outbox.close();
    ready.reject(ended);
    for (const id of [...sent.keys()]) settle(id, (promise) => promise.reject(ended as Error));
  }
}

const CLOSED = "The room was closed.";

function streamsOf(address: Address): Transport[] {
  const streams: Transport[] = [];
  if (typeof EventSource !== "undefined") streams.push(ticketed(address, createSse(address)));
  if (typeof ReadableStream !== "undefined" && typeof TextDecoderStream !== "undefined")
    streams.push(ticketed(address, createStream(address)));
  return streams;
}

const environment: Environment = {
  now: Date.now,
  random: Math.random,
  later(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

function readHistory(ask: Ask, address: Address, room: string, before?: number, limit?: number): Promise<HistoryPage> {
  const nonce = createNonce(environment);
  let url = address.base + PATHS.messages(room) + param("n", nonce);
  if (before !== undefined) url += param("before", String(before));
  if (limit !== undefined) url += param("limit", String(limit));
  return new Promise((resolve, reject) => {
    ask({ method: "GET", url, timeoutMs: HISTORY_TIMEOUT_MS }, ({ status, text }) => {
      const page = readOurs(http, text, nonce) as (HistoryPage & { code?: string }) | undefined;
      if (page?.events !== undefined) resolve({ events: page.events, oldest: page.oldest });
      else if (page?.code !== undefined) reject(new RefusedError(page.code));
      else reject(new Error(`The site did not answer (${status}).`));
    });
  });
}

type PromiseWithResolvers<T> = { promise: Promise<T>; resolve(value: T): void; reject(error: Error): void };

/** Promise.withResolvers, which Node 20 lacks. */
function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((one, other) => {
    resolve = one;
    reject = other;
  });
  return { promise, resolve, reject };
}

function ignore(): void {}
