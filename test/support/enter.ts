import type { Knex } from "knex";
import { type Entrant, type EntryOutcome, enterAndAppend } from "../../db/log/enter.ts";
import { createRoom, type NewRoom } from "../../db/log/rooms.ts";

/** Has one member enter a room, and returns what became of it. */
export async function enterRoom(db: Knex, roomId: number, entrant: Entrant): Promise<EntryOutcome | undefined> {
  const entries = [{ roomId, entrant, tag: "tag" }];
  const { results } = await enterAndAppend(db, { entries, drafts: [], roomMembers: 2_000 });
  return results[0]?.outcome;
}

/** Makes a room, however many there are. It looks like its slug. */
export async function makeRoom(db: Knex, room: Pick<NewRoom, "slug" | "title" | "public">): Promise<void> {
  await createRoom(
    db,
    { ...room, skeleton: room.slug, titleSkeleton: room.slug },
    { total: 1_000_000, perCreator: 1_000_000, perWideCreator: 1_000_000 },
  );
}
