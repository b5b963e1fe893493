import type { RoomSignal } from "./room-settings.ts";

/**
 * A person in a room. `id` survives renames. `color` is `#rrggbb`. `trip` is `◆` and a hash, for a
 * nickname with a secret. `tag` is three characters, for a nickname that someone else gave up in
 * this room within the hour before.
 */
export type Member = { id: string; nickname: string; color: string; trip?: string; tag?: string };

/** The kind of an event. */
export type EventKind = RoomEvent["kind"];

/**
 * The part that all events of a room's log share. `seq` is 1, 2, 3… per room, without gaps, in
 * commit order. `at` is RFC 3339 UTC. `id` is the client id with which a request caused the event.
 */
type EventBase = { room: string; seq: number; member: Member; at: string; text?: string; id?: string };

/**
 * A message. `reply` is the seq of the message that it answers. If its author has changed it,
 * `edited` or `erased` is set, and an erased message has no text.
 */
export type RoomMessage = EventBase & { kind: "message"; reply?: number; edited?: true; erased?: true };

/** A member has entered the room or left it, perhaps because a moderator removed it. */
export type RoomMove = EventBase & { kind: "enter" | "leave"; by?: "moderator" };

/**
 * The author has changed the text of the message with the seq `target`. Without a text, a later
 * event has changed the message again.
 */
export type RoomEdit = EventBase & { kind: "edit"; target: number };

/**
 * The author, or a moderator, has erased the message with the seq `target`, or a moderator the
 * notice or whisper. `member` is the author.
 */
export type RoomErase = EventBase & { kind: "erase"; target: number; by?: "moderator" };

/** A member has changed its name or its color. `former` is the same member as it was before. */
export type RoomRename = EventBase & { kind: "rename"; former: Member };

/**
 * A moderator has erased the name of a member, who is called `member.nickname` since then, in
 * earlier events too.
 */
export type RoomUnname = EventBase & { kind: "unname" };

/**
 * The site itself says something, such as the result of a roll that `member` asked for, or a
 * setting that `member` has changed. If a moderator has erased it, it has no text.
 */
export type RoomNotice = EventBase & { kind: "notice"; erased?: true };

/**
 * A member says `text` to the member `to` only. It is in the inboxes of the two: its `room` is
 * `@` and the room's name, and its seq is the inbox's. If a moderator has erased it, it has no
 * text.
 */
export type RoomWhisper = EventBase & { kind: "whisper"; to: Member; erased?: true };

/**
 * An entry of a room's log. An acknowledged event never changes, except that a message that is
 * edited or erased has its new state, and former edits of it lose their text. A notice or a whisper
 * that is erased has its new state, too. A client skips kinds that it does not know.
 */
export type RoomEvent =
  | RoomMessage
  | RoomMove
  | RoomEdit
  | RoomErase
  | RoomRename
  | RoomUnname
  | RoomNotice
  | RoomWhisper;

/**
 * Events that a page of history leaves out: a part of a long run of people who come and go. They
 * are the events from `first` to `last`. `enters` and `leaves` are their numbers, unless there are
 * too many to count.
 */
export type SkippedRun = { first: number; last: number; enters?: number; leaves?: number };

/** A signal is not in the log, has no seq and may be lost. */
export type SignalName = "hello" | "ping" | "members" | "typing" | "room" | "reset" | "bye";

/** The numbers of members and of people who only watch. Sent whenever they change. */
export type MembersSignal = { room: string; members: number; visitors: number };

/** The people who are typing in a room at the moment. */
export type TypingSignal = { room: string; nicknames: string[] };

/** The reason why a cursor could not be continued. */
export type ResetReason = "malformed" | "epoch" | "future" | "pruned";

/**
 * A reader's cursor could not be continued, and reading continues from `cursor`. `oldest` is the
 * first seq still kept, `head` the last.
 */
export type ResetSignal = { room: string; reason: ResetReason; cursor: string; oldest: number; head: number };

/**
 * The first frame of every stream. `retry` and `ping` are milliseconds. `n` is the nonce of the
 * request.
 */
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

/**
 * A sign of life. `cursor` is how far this connection has been sent the logs; `heads` are their
 * last seqs. `stale` is the number of seconds since this node last read the log, if it cannot.
 */
export type PingSignal = { cursor: string; heads: { [room: string]: number }; stale?: number };

/**
 * Asks the client to reconnect after `retry` milliseconds. Without a reason, the node is shutting
 * down or cannot reach its log.
 * - `full`: another reader needed the place.
 * - `too_many`: this network opens streams too fast or catches up with too much.
 * - `unconfirmed`: the client has sent nothing for so long that it may be gone.
 * - `not_allowed`: the client may not read this room any more, or the room was removed.
 */
export type ByeSignal = { retry: number; reason?: "full" | "too_many" | "unconfirmed" | "not_allowed" };

/**
 * The answer to a poll: the same events as a stream's, in one piece, and the signals that are still
 * meaningful when a poll fetches them (`typing` is not). `reset` is the first room's; `resets` are
 * all of them if there are several.
 */
export type PollAnswer = {
  chattera: 1;
  /** In the answer to a poll with `wait=0`, as in `hello`. */
  protocol?: number;
  events: RoomEvent[];
  signals: (
    | ({ signal: "members" } & MembersSignal)
    | ({ signal: "room" } & RoomSignal)
    | ({ signal: "bye" } & ByeSignal)
  )[];
  cursor: string;
  reset?: ResetSignal;
  resets?: ResetSignal[];
  /** The seconds since this node last read the log, if it cannot. */
  stale?: number;
  rooms?: { [asked: string]: string };
  n?: string;
};
