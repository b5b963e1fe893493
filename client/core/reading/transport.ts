import type {
  HelloSignal,
  MembersSignal,
  PingSignal,
  PollAnswer,
  ResetSignal,
  RoomEvent,
  TypingSignal,
} from "../../../protocol/event.ts";

/** What one connection is asked for: the events of `rooms` after the cursors `after`. */
export type Reading = {
  rooms: string[];
  /** None is "from now on"; several are joined by the server. */
  after: string[];
  /** A name for this connection, which a fresh answer gives back. */
  nonce: string;
  /** A poll is held for so many seconds, and given up when no answer has come so many milliseconds after that. */
  wait: number;
  graceMs: number;
  /** A stream pings every so many seconds; 0 leaves it to the server. */
  ping: number;
  /** This network gives a frame out only when the next one comes: ask for a comment behind each. */
  late: boolean;
  /** A kept-alive connection has died here: ask for a poll's connection to be closed. */
  once: boolean;
};

/**
 * How a connection ended. `answered`: a poll, as it should. `cut`: it was ours and broke off, or a poll's answer did not
 * come in time. `refused`: never ours: no network, an error's page, a login page. `bye`: the server asks to come back
 * after `retryMs`.
 */
export type Ending = { how: "answered" | "cut" | "refused" | "bye"; retryMs?: number };

/** What a connection reports, in the order it happens; nothing before `open` has returned, nothing after `ended`. */
export type Sink = {
  hello(hello: HelloSignal): void;
  ping(ping: PingSignal): void;
  event(event: RoomEvent, cursor: string): void;
  members(signal: MembersSignal): void;
  typing(signal: TypingSignal): void;
  reset(reset: ResetSignal): void;
  answer(answer: PollAnswer): void;
  ended(ending: Ending): void;
};

/** A way to the server. `open` begins one connection and returns how to close it; a closed one reports nothing more. */
export type Transport = {
  name: string;
  /** It stays open and says hello; otherwise each connection is one question and one answer. */
  streams: boolean;
  open(reading: Reading, sink: Sink): () => void;
};
