import type { EventKind, Member, RoomEvent } from "../../protocol/event.ts";
import { isInbox } from "../../protocol/inbox.ts";

/** A row of the table `events`, with the slug of its room. */
export type EventRow = {
  room_id: number;
  slug: string;
  seq: number;
  kind: EventKind;
  member_id: string;
  nickname: string;
  color: string;
  trip: string | null;
  tag: string | null;
  text: string | null;
  client_id: string | null;
  at: Date;
  /** The message that an edit or an erase changes, or that a message replies to. */
  target: number | null;
  /** The last change of a message, or of a notice or a whisper, which can be erased only. */
  change: "edited" | "erased" | null;
  /** The member before a rename, or the receiver of a whisper; who caused an erase or a leave. */
  former: Member | { by: "moderator" } | null;
};

/**
 * An event of the log with its room's number. `isNew` is false if a resend found its first copy.
 */
export type Stored = { roomId: number; event: RoomEvent; isNew: boolean };

/** Returns a row as an event of the protocol. Columns that are null become absent fields. */
export function eventOf(row: EventRow): RoomEvent {
  const { kind, target, change, former } = row;
  const member: Member = { id: row.member_id, nickname: row.nickname, color: row.color };
  if (row.trip !== null) member.trip = row.trip;
  if (row.tag !== null) member.tag = row.tag;
  const event: AnyEvent = { room: logName(row.slug), seq: row.seq, kind, member, at: row.at.toISOString() };
  if (row.text !== null) event.text = row.text;
  if (row.client_id !== null) event.id = row.client_id;
  if (target !== null) event[kind === "message" ? "reply" : "target"] = target;
  if (change !== null) event[change] = true;
  if (former !== null && "by" in former) event.by = former.by;
  else if (former !== null) event[kind === "whisper" ? "to" : "former"] = former;
  return event as RoomEvent;
}

/** An event with the fields of all kinds. The database checks which kind has which. */
type AnyEvent = Pick<RoomEvent, "room" | "seq" | "kind" | "member" | "at"> & {
  text?: string;
  id?: string;
  reply?: number;
  target?: number;
  edited?: true;
  erased?: true;
  former?: Member;
  by?: "moderator";
  to?: Member;
};

/**
 * Returns the name of a log as its readers know it. The row of an inbox is named after its owner
 * too: `@lobby.OWNER`.
 */
export function logName(slug: string): string {
  return isInbox(slug) ? slug.slice(0, slug.indexOf(".")) : slug;
}

/** Returns the row of an event that was stored before. */
export function storedOf(row: EventRow): Stored {
  return { roomId: row.room_id, event: eventOf(row), isNew: false };
}
