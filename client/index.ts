import { PATHS } from "../protocol/paths.ts";
import { createBackoff } from "./core/backoff.ts";
import { createEmitter } from "./core/emitter.ts";
import { createOutbox, type Receipt } from "./core/outbox.ts";
import type { Outside } from "./core/outside.ts";
import { createSession, type SessionEvents } from "./core/session.ts";
import type { Address } from "./transports/address.ts";
import { createLongPoll } from "./transports/long-poll.ts";
import { post, say } from "./transports/say.ts";
import { createSse } from "./transports/sse.ts";

/** The room to follow, and as whom. */
export type ConnectOptions = {
  room: string;
  /** Enter under this name. Without it and without a token one can only read. */
  nickname?: string;
  /** `#rrggbb`; the server chooses one by default. */
  color?: string;
  /** The token of a session that exists already; then no nickname is needed. */
  token?: string;
  /** Where to go on reading; default: from now on. */
  cursor?: string;
};

/** What a handle tells: the room's news, a receipt for each remark, and what the server would not have, by its code. */
export type RoomEvents = SessionEvents & { sent: Receipt; refused: { code: string; id?: string; text?: string } };

/** A room that is followed, over whatever the network does. */
export type RoomHandle = {
  /** Returns what ends the listening. */
  on<Name extends keyof RoomEvents>(name: Name, listener: (news: RoomEvents[Name]) => void): () => void;
  /** Says something once, however often it has to be sent; returns the remark's client id. */
  say(text: string): string;
  /** Ends it; what has no receipt yet is not sent again. */
  close(): void;
};

/** Follows a room of the chattera site at `url` (its base path included), in a browser or in Node. */
export function connect(url: string, options: ConnectOptions): RoomHandle {
  const address: Address = { base: url.replace(/\/+$/, "") };
  if (options.token !== undefined) address.token = options.token;
  const emitter = createEmitter<RoomEvents>(outside);
  const backoff = createBackoff(outside);
  const session = createSession({
    outside,
    room: options.room,
    rungs:
      typeof EventSource === "undefined" ? [createLongPoll(address)] : [createSse(address), createLongPoll(address)],
    cursor: options.cursor ?? "",
    seq: -1,
    rttMs: 0,
    hidden: () => false,
  });
  const outbox = createOutbox(outside, { load: () => [], save() {} }, (remark, done) => {
    // No answer, so no further attempt and no timer.
    if (closed) return;
    if (!isReady) done({ again: true });
    else say(address, options.room, remark).then(done, () => done({ again: true }));
  });
  // What is said before the session knows its place in the log would not come back to its own speaker.
  let isReady = false;
  let stopEntering = () => {};
  let closed = false;

  for (const name of ["event", "members", "typing", "reset", "status"] as const) {
    session.on(name, (news) => emitter.emit(name, news));
  }
  session.on("status", ({ state }) => {
    if (state !== "live") return;
    isReady = true;
    outbox.wake();
  });
  outbox.on("sent", ({ receipt, rttMs }) => {
    emitter.emit("sent", receipt);
    session.expect(receipt.event.seq, rttMs);
  });
  outbox.on("changed", ({ state, code = "internal", id, text }) => {
    if (state === "refused") emitter.emit("refused", { code, id, text });
  });
  if (options.nickname !== undefined && address.token === undefined) enter();
  else session.start();

  return {
    on: emitter.on,
    say: (text) => outbox.say(text).id,
    close() {
      closed = true;
      stopEntering();
      session.close();
    },
  };

  function enter(): void {
    takeSession(address, options).then(
      (code) => {
        if (closed) return;
        if (code !== undefined) emitter.emit("refused", { code });
        session.start();
      },
      () => {
        if (!closed) stopEntering = outside.later(backoff.next(), enter);
      },
    );
  }
}

const outside: Outside = {
  now: Date.now,
  random: Math.random,
  later(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** Gets a token and enters the room; gives the code of a refusal. Throws when the site cannot be reached. */
async function takeSession(address: Address, { room, nickname, color }: ConnectOptions): Promise<string | undefined> {
  const answer = await post(address, PATHS.session, { nickname, color });
  const body = (await answer.json()) as { token?: string; code?: string };
  if (body.token === undefined) {
    if (answer.status < 500 && answer.status !== 429 && body.code !== undefined) return body.code;
    throw new Error(`The site answered ${answer.status}.`);
  }
  address.token = body.token;
  const entered = await post(address, PATHS.enter(room), {});
  if (entered.ok) return undefined;
  return ((await entered.json()) as { code?: string }).code;
}
