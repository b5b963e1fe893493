/// <reference lib="esnext.disposable" preserve="true" />
import type { ErrorCode } from "../protocol/error-code.ts";
import type { Member, RoomEdit, RoomErase, RoomEvent, RoomMessage, RoomNotice } from "../protocol/event.ts";
import type { HistoryPage } from "./core/history.ts";
import type { SessionEvents } from "./core/reading/session.ts";
import type { SessionStatus } from "./core/reading/state.ts";

/** The room to follow, and as whom. */
export type ConnectOptions = {
  room: string;
  /** The nickname to enter under. Without it and without a token, the handle can only read. */
  nickname?: string;
  /** `#rrggbb`; the server chooses one by default. */
  color?: string;
  /**
   * The token of an earlier session, as `handle.token()` returned it. The handle enters as the same
   * member again, under the nickname if there is one, else under the former one.
   */
  token?: string;
  /**
   * For how many seconds to try again if the nickname is taken. After a program was killed, its own
   * name is taken until the site notices. By default 90 in a program, and 0 in a page.
   */
  nameWaitSeconds?: number;
  /** Closes the handle when it is aborted. `ready` and `send` then reject with its reason. */
  signal?: AbortLike;
  /** Where to continue reading, as `handle.cursor()` returned it. By default, reads from now on. */
  cursor?: string;
  /** Makes the requests in place of the environment's own `fetch`, for example through a proxy. */
  fetch?: typeof globalThis extends { fetch: infer Fetch } ? Fetch : (url: string, init: object) => Promise<unknown>;
};

/** The part of an AbortSignal that a handle uses, so that its types need no DOM. */
export type AbortLike = {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
};

/**
 * The events of a handle. `event`: each entry of the room's log, once, in order; `state`: the state
 * of the connection; `members` and `typing`: signals that are not in the log; `reset`: the cursor
 * could not be continued, and events may be missing; `refused`: the server rejected a message or
 * the nickname.
 */
export type HandleEvents = Omit<SessionEvents, "status" | "ping" | "turn"> & { state: HandleStatus; refused: Refused };

/** The state of a handle's connection. `transport` is "" before the first one. */
export type HandleStatus = Omit<SessionStatus, "transport"> & {
  transport: "" | "sse" | "stream" | "poll" | "jsonp";
};

/** Why something was refused. `no_site`: something else than a chattera site answers here. */
export type RefusedCode = ErrorCode | "no_site";

/** A message that the server rejected for good, or the nickname if there is no `text`. */
export type Refused = { code: RefusedCode; text?: string };

/** The server rejected a message or a nickname. See docs/protocol.md for the codes. */
export class RefusedError extends Error {
  readonly code: RefusedCode;
  constructor(code: RefusedCode) {
    super(`The server refused it: ${code}.`);
    this.name = "RefusedError";
    this.code = code;
  }
}

/** How a message is sent. `reply` is the seq of the message that it answers. */
export type SendOptions = { reply?: number };

/** A room that is followed, whatever the network does. */
export type RoomHandle = {
  /** Adds a listener. Returns a function that removes it. */
  on<Name extends keyof HandleEvents>(name: Name, listener: (data: HandleEvents[Name]) => void): () => void;
  /**
   * Resolves once the position in the log is known, so that no later message is missed, and the
   * nickname is taken. Rejects with a RefusedError if the room or the nickname is refused, and with
   * the reason of an aborted `signal`. It stays pending if `close` is called before: closing is no
   * error, so it must not end a program.
   */
  ready: Promise<void>;
  /**
   * Sends a message exactly once, retrying as needed. Resolves with the stored event, which is a
   * notice for `/roll` and `/omikuji`. Rejects with a RefusedError, or if the handle is closed
   * before.
   */
  send(text: string, options?: SendOptions): Promise<RoomMessage | RoomNotice>;
  /**
   * Changes the text of a message of one's own, within the time that the site allows. Resolves with
   * the stored event. Rejects as `send` does.
   */
  edit(seq: number, text: string): Promise<RoomEdit>;
  /**
   * Erases a message of one's own, within the time that the site allows. Its text is removed from
   * the log and from the site's memory. Resolves with the stored event. Rejects as `send` does.
   */
  erase(seq: number): Promise<RoomErase>;
  /**
   * Takes another nickname in the room, or another color. Resolves with the member as it is in the
   * room then. Rejects as `send` does.
   */
  rename(nickname: string, color?: string): Promise<Member>;
  /**
   * Reads the last `limit` messages (at most 200, by default 50) before a seq, by default the
   * newest, with the events between and after them. Of long runs of people who come and go it
   * leaves out parts, and names them in `skipped`. The seq of the first event is the next older
   * page's `before`; there is none if it is `oldest`. Rejects if there is no answer.
   */
  history(before?: number, limit?: number): Promise<HistoryPage>;
  /** Returns where another handle can continue reading. */
  cursor(): string;
  /**
   * Returns the token of the handle's session, `undefined` before it has one. Store it to be the
   * same member again. The site replaces it about once a day.
   */
  token(): string | undefined;
  /**
   * Leaves the room once the messages sent before have their receipts, and closes the handle. The
   * nickname is free then. Resolves when that is done, or when the handle is closed meanwhile.
   */
  leave(): Promise<void>;
  /** Closes the handle. A message without a receipt is not sent again. */
  close(): void;
  /** Leaves and closes at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void>;
  /**
   * Iterates over the events from now on. The loop ends when the handle is closed, and throws when
   * the room or the nickname is refused.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<RoomEvent>;
};
