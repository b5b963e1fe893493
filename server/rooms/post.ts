import type { Knex } from "knex";
import type { Stored } from "../../db/events.ts";
import type { GroupCommit } from "../../db/group-commit.ts";
import { type Room, readBounds } from "../../db/rooms.ts";
import type { Member, RoomEvent } from "../../protocol/event.ts";
import { CLIENT_ID, TEXT_LENGTH } from "../../protocol/limits.ts";
import { refuse } from "../refusal.ts";
import { enter } from "./enter.ts";

/** What somebody says: `id` is the client's own key, by which a resend is known. */
export type Remark = { id: string; text: string };

/** The answer to a remark: the event as it stands in the log, and whether this very request put it there. */
export type Receipt = { event: RoomEvent; roomId: number; isNew: boolean };

/** Reads a remark; the text comes back as it was sent. Throws `malformed` or `text_invalid`. */
export function readRemark(id: unknown, text: unknown): Remark {
  if (typeof id !== "string" || !CLIENT_ID.test(id)) throw refuse("malformed", "id: 8 to 64 of A-Z a-z 0-9 _ -");
  if (typeof text !== "string") throw refuse("malformed", "text: a string");
  if (text.length > 2 * TEXT_LENGTH || [...text].length > TEXT_LENGTH) throw refuse("text_invalid");
  if (!text.isWellFormed() || UNSAYABLE.test(text) || !/[^\s\p{C}]/u.test(text)) throw refuse("text_invalid");
  return { id, text };
}

/**
 * Says something in a room: once it is durable, gives the receipt. The same id again from the same member gives the
 * very first one. Who is not in the room enters it by speaking. Has `patienceMs` for others to share its commit. Throws `nickname_taken`, `unavailable`.
 */
export async function post(
  db: Knex,
  commit: GroupCommit,
  room: Pick<Room, "id">,
  member: Member,
  remark: Remark,
  patienceMs: number,
): Promise<Receipt> {
  const draft = { roomId: room.id, kind: "message" as const, member, text: remark.text, clientId: remark.id };
  const stored = (await commit.append(draft, patienceMs)) ?? (await enterAndAppend());
  return { event: stored.event, roomId: stored.roomId, isNew: stored.isNew };

  async function enterAndAppend(): Promise<Stored> {
    await enter(db, room, member);
    const second = await commit.append(draft);
    if (second) return second;
    // left again between the two: by its own will or swept; or the room is gone
    throw refuse((await readBounds(db, room.id)) ? "unavailable" : "no_such_room");
  }
}

/** Controls but tab and line ends: PostgreSQL cannot store NUL, terminals act on the others. */
const UNSAYABLE = /[\p{Cc}--[\t\n\r]]/v;
