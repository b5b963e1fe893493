import type { Knex } from "knex";
import pLimit from "p-limit";
import { enterRoom } from "../../db/members.ts";
import type { Room } from "../../db/rooms.ts";
import type { Member } from "../../protocol/event.ts";
import { refuse } from "../refusal.ts";
import { lookOf } from "./nickname.ts";

/**
 * Takes a nickname's place in a room. Says nothing to who is there already. Throws `nickname_taken` when somebody else
 * has it, or one that looks like it.
 */
export async function enter(db: Knex, room: Pick<Room, "id">, member: Member): Promise<void> {
  const entrant = { ...member, look: lookOf(member.nickname) };
  if (!(await limit(() => enterRoom(db, room.id, entrant)))) throw refuse("nickname_taken");
}

/** All who enter a room wait for its row: three at a time leave the pool to those who speak and read. */
const limit = pLimit(3);
