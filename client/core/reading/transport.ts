import type {
  HelloSignal,
  MembersSignal,
  PingSignal,
  PollAnswer,
  ResetSignal,
  RoomEvent,
  TypingSignal,
} from "../../../protocol/event.ts";
import type { RoomSignal } from "../../../protocol/room-settings.ts";

/** The request of one connection: the events of `rooms` after the cursors `after`. */
export type Reading = {
  rooms: string[];
  /** None means "from now on". The server joins several. */
  after: string[];
  /** A name for this connection, which a fresh answer repeats. */
  nonce: string;
  /** How many seconds a poll is held, and after how many more milliseconds it is given up. */
  wait: number;
  graceMs: number;
  /** How often a stream pings, in seconds; 0 leaves it to the server. */
  ping: number;
  /**
   * This network releases a frame only when the next one comes, so each needs a comment behind it.
   */
  late: boolean;
  /** A kept-alive connection has died here, so a poll's connection is to be closed. */
  once: boolean;
};

/**
 * How a connection ended. `answered`: a poll, as it should. `cut`: the site's own connection broke
 * off, or a poll's answer did not come in time. `refused`: it never was the site's own, as without
 * a network, or with an error page or a login page. `bye`: the server asks to come back after
 * `retryMs`. `code`: the site refuses to let this client read. `lostMs`: how long a poll has waited
 * for connections that had died.
 */
export type Ending = {
  how: "answered" | "cut" | "refused" | "bye";
  retryMs?: number;
  code?: string;
  lostMs?: number | undefined;
};

/** All that a connection can bring. */
export type Brought = {
  hello: HelloSignal;
  ping: PingSignal;
  event: RoomEvent;
  members: MembersSignal;
  typing: TypingSignal;
  room: RoomSignal;
  reset: ResetSignal;
  answer: PollAnswer;
  ended: Ending;
};

/**
 * Takes what a connection brings, in order; `cursor` is behind an event of a stream, or "". Nothing
 * comes before `open` has returned, and nothing after `ended`.
 */
export type Sink = <Kind extends keyof Brought>(kind: Kind, data: Brought[Kind], cursor?: string) => void;

/**
 * One kind of connection to the server. `open` opens one, and returns a function that closes it; a
 * closed one reports nothing more.
 */
export type Transport = {
  name: string;
  /**
   * It stays open and begins with hello. Otherwise each connection is one request and one answer.
   */
  streams: boolean;
  /** It reads under a path that filters do not know, so its success says what they block. */
  isUnlisted?: boolean;
  open(reading: Reading, sink: Sink): () => void;
};
