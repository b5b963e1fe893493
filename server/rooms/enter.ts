import type { MemberNetwork } from "../../db/log/enter.ts";
import type { Stored } from "../../db/log/event-row.ts";
import type { EntryOptions, GroupCommit } from "../../db/log/group-commit.ts";
import type { StoredRoom } from "../../db/log/rooms.ts";
import type { Member } from "../../protocol/event.ts";
import { type Refusal, refuse } from "../refusal.ts";
import { skeletonOf } from "./skeleton.ts";
import { tagOf } from "./tag.ts";

/**
 * A member that enters a room. A silent one adds no event, by leaving either. `network` is where it
 * counts, `undefined` without limits.
 */
export type RoomEntry = {
  room: Pick<StoredRoom, "id">;
  member: Member;
  isSilent?: boolean;
  network: MemberNetwork | undefined;
};

/**
 * Enters a room, with or without a first message. For a member that is in the room already, nothing
 * changes. Returns the member as it is in the room, and the message if it was stored. Throws
 * `nickname_taken` if someone else has the nickname or one that looks like it, or gave it up within
 * the hour and had a trip. Throws `full` if the room is full, or the network has its share of it,
 * and `no_such_room`.
 */
export async function enter(
  commit: GroupCommit,
  { room, member, isSilent = false, network }: RoomEntry,
  options: EntryOptions,
): Promise<{ member: Member; stored: Stored | undefined }> {
  const entrant = { ...member, skeleton: skeletonOf(member.nickname) };
  const clientId = options.message?.clientId;
  const entry = {
    roomId: room.id,
    entrant,
    tag: tagOf(member.id),
    silent: isSilent,
    network,
    ...(clientId !== undefined && { clientId }),
  };
  const admitted = await commit.enter(entry, options);
  const refusal = refusalOf(admitted.outcome);
  if (refusal) throw refusal;
  return admitted;
}

function refusalOf(outcome: string): Refusal | undefined {
  if (outcome === "taken") return refuse("nickname_taken");
  if (outcome === "kept") return refuse("nickname_taken", NAME_KEPT);
  if (outcome === "full") return refuse("full", "This room is full. Try again when someone has left.", 30);
  if (outcome === "crowded") return refuse("full", CROWDED, 30);
  if (outcome === "gone") return refuse("no_such_room");
  return undefined;
}

/** The reason why a nickname that had a trip is refused for a while. */
export const NAME_KEPT =
  "Someone with a trip used this nickname here within the last hour. Enter with the same secret, or choose another one.";

const CROWDED =
  "This room has no more places for your network, which holds a quarter of them. Try again when one is free.";
