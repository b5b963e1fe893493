import type { MemberNetwork } from "../../db/log/enter.ts";
import type { Stored } from "../../db/log/event-row.ts";
import type { GroupCommit } from "../../db/log/group-commit.ts";
import type { Room } from "../../db/log/rooms.ts";
import type { Member, RoomEvent } from "../../protocol/event.ts";
import { CLIENT_ID, TEXT_LENGTH } from "../../protocol/limits.ts";
import { refuse } from "../refusal.ts";
import { enter } from "./enter.ts";

/** What somebody says: `id` is the client's own key, by which a resend is known. */
export type Remark = { id: string; text: string };

/** The answer to a message: the event as it stands in the log, and whether this very request put it there. */
export type Receipt = { event: RoomEvent; roomId: number; isNew: boolean };

/** Reads a message; the text comes back as it was sent. Throws `malformed` or `text_invalid`. */
export function readRemark(id: unknown, text: unknown): Remark {
  if (typeof id !== "string" || !CLIENT_ID.test(id)) throw refuse("malformed", "id: 8 to 64 of A-Z a-z 0-9 _ -");
  if (typeof text !== "string") throw refuse("malformed", "text: a string");
  if (isTooLong(text)) throw refuse("text_invalid");
  if (!text.isWellFormed() || UNSAYABLE.test(text) || !/[^\s\p{C}]/u.test(text)) throw refuse("text_invalid");
  return { id, text };
}

/** A character is one or two units of UTF-16, so most texts need not be taken apart to be counted. */
function isTooLong(text: string): boolean {
  return text.length > TEXT_LENGTH && (text.length > 2 * TEXT_LENGTH || [...text].length > TEXT_LENGTH);
}

/** How a message is posted. */
export type PostOptions = {
  /** The share of the queue in which the member counts if it has to enter first. */
  share: string;
  /** Returns the network in which the member counts if it has to enter first. */
  network(): MemberNetwork | undefined;
  /** Milliseconds that the message may wait for others to share its commit. */
  patienceMs: number;
  /** Was the member in the room a few seconds ago? Else it probably has to enter, and one commit does both. */
  isKnown: boolean;
};

/**
 * Posts a message in a room and resolves once it is durable. The same id again from the same member returns the very
 * first event. A member who is not in the room enters it, in the same commit. Throws `nickname_taken`, `full`,
 * `no_such_room`, `too_many`, `unavailable`.
 */
export async function post(
  commit: GroupCommit,
  room: Pick<Room, "id">,
  member: Member,
  remark: Remark,
  { share, network, patienceMs, isKnown }: PostOptions,
): Promise<Receipt> {
  const draft = { roomId: room.id, kind: "message" as const, member, text: remark.text, clientId: remark.id };
  const stored = (isKnown ? await commit.append(draft, patienceMs) : undefined) ?? (await enterAndAppend());
  return { event: stored.event, roomId: stored.roomId, isNew: stored.isNew };

  async function enterAndAppend(): Promise<Stored> {
    const { stored } = await enter(commit, room, member, {
      share,
      network: network(),
      patienceMs: isKnown ? 0 : patienceMs,
      message: draft,
    });
    // Only a message whose first copy was pruned in between can be neither new nor known.
    if (stored === undefined) throw refuse("unavailable");
    return stored;
  }
}

/** Controls but tab and line ends: PostgreSQL cannot store NUL, terminals act on the others. */
const UNSAYABLE = /[\p{Cc}--[\t\n\r]]/v;
