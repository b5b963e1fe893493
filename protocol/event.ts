/**
 * Someone who speaks. `id` stays the same over renames, `color` is `#rrggbb`, `trip` is `◆` and a hash, for a nickname
 * with a secret. `tag` is three characters, for a nickname that someone else gave up in this room within the hour before.
 */
export type Member = { id: string; nickname: string; color: string; trip?: string; tag?: string };

/** What happened; a `notice` is the site's own word. */
export type EventKind = "message" | "enter" | "leave" | "notice";

/**
 * One entry of a room's log. `seq` is 1, 2, 3… per room, without gaps, in commit order; an acknowledged event never
 * changes. `at` is RFC 3339 UTC; `text` and `id` (the sender's own client id) are there for messages.
 */
export type RoomEvent = {
  room: string;
  seq: number;
  kind: EventKind;
  member: Member;
  at: string;
  text?: string;
  id?: string;
};

/** Passing news that is not in the log, has no seq and may be lost. */
export type SignalName = "hello" | "ping" | "members" | "typing" | "reset" | "bye";

/** How many members and how many mere watchers a room has; sent whenever the figures change. */
export type MembersSignal = { room: string; members: number; visitors: number };

/** Who is typing in a room just now. */
export type TypingSignal = { room: string; nicknames: string[] };

/** Why a cursor could not be continued from. */
export type ResetReason = "malformed" | "epoch" | "future" | "pruned";

/** A reader's cursor could not be continued: it goes on from `cursor`; `oldest` is the first seq still kept, `head` the last. */
export type ResetSignal = { room: string; reason: ResetReason; cursor: string; oldest: number; head: number };

/** The first frame of every stream. `retry` and `ping` are milliseconds; `n` is the request's nonce, given back. */
export type HelloSignal = {
  chattera: 1;
  protocol: number;
  retry: number;
  ping: number;
  cursor: string;
  heads: { [room: string]: number };
  /** The canonical names of rooms that the request spelled otherwise. */
  rooms?: { [asked: string]: string };
  n?: string;
};

/** Proof of life. `cursor` is how far this connection has been sent the logs, `heads` how far they have come. */
export type PingSignal = { cursor: string; heads: { [room: string]: number } };

/**
 * Come back after `retry` milliseconds. Without a reason the node is going, or its log is out of reach; `full`: another
 * reader needed the place; `too_many`: this network opens streams too fast or catches up with too much; `unconfirmed`: the client has sent nothing
 * for so long that it may be gone.
 */
export type ByeSignal = { retry: number; reason?: "full" | "too_many" | "unconfirmed" };

/**
 * The answer to a poll: the same events as a stream's, in one piece, and the signals that still mean something when a
 * poll fetches them (who is typing does not). `reset` is the first room's, `resets` all of them where there are several.
 */
export type PollAnswer = {
  chattera: 1;
  events: RoomEvent[];
  signals: (({ signal: "members" } & MembersSignal) | ({ signal: "bye" } & ByeSignal))[];
  cursor: string;
  reset?: ResetSignal;
  resets?: ResetSignal[];
  rooms?: { [asked: string]: string };
  n?: string;
};
