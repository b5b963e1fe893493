import type {
  HelloSignal,
  MembersSignal,
  PingSignal,
  PollAnswer,
  ResetSignal,
  RoomEvent,
  TypingSignal,
} from "../../protocol/event.ts";

/** What one connection is asked for: the events of `room` after the cursor `after`; a poll is held for `wait` seconds. */
export type Reading = { room: string; after: string; nonce: string; wait: number };

/**
 * How a connection ended. `answered`: a poll, as it should. `cut`: it was ours and broke off. `refused`: never ours: no
 * network, an error's page, a login page. `bye`: the server asks to come back after `retryMs`.
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
