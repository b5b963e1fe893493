import type { Knex } from "knex";
import { renameMember } from "../../db/log/rename.ts";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import type { Member } from "../../protocol/event.ts";
import { refuse } from "../refusal.ts";
import { NAME_KEPT } from "./enter.ts";
import { skeletonOf } from "./skeleton.ts";
import { tagOf } from "./tag.ts";

/**
 * Renames a member within a room, or changes its color. Returns the member as it is in the room
 * then; `undefined` if it is not in the room. Repeating it adds nothing to the log. Throws
 * `nickname_taken`, as entering does.
 */
export async function rename(
  { db, wakeUps }: { db: Knex; wakeUps: WakeUps },
  { roomId, member }: { roomId: number; member: Member },
): Promise<Member | undefined> {
  const entrant = { ...member, skeleton: skeletonOf(member.nickname) };
  const renamed = await renameMember(db, { roomId, entrant, tag: tagOf(member.id) }, wakeUps);
  if (renamed.outcome === "taken") throw refuse("nickname_taken");
  if (renamed.outcome === "kept") throw refuse("nickname_taken", NAME_KEPT);
  return renamed.outcome === "absent" ? undefined : renamed.member;
}
