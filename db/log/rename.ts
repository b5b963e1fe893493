import type { Knex } from "knex";
import type { Member } from "../../protocol/event.ts";
import { COLORS } from "../../protocol/limits.ts";
import { rowsOf } from "../pool/statement.ts";
import type { Entrant } from "./enter.ts";
import { notifyChannelOf, publishHeads, type WakeUps } from "./wake-ups.ts";

/**
 * A member of a room with its new nickname, trip and color, under its old id. `tag` marks the
 * nickname if somebody else gave it up within the hour.
 */
export type Renaming = { roomId: number; entrant: Entrant; tag: string };

/**
 * The outcome of a rename. `renamed`; `same`: nothing changes; `absent`: the member is not in the
 * room. `taken` and `kept` are those of an entry, see enter.ts.
 */
export type RenameOutcome = "renamed" | "same" | "absent" | "taken" | "kept";

/**
 * Renames a member within a room, or changes its color, and appends the event. This is one
 * statement, see db/sql/rename_member.sql. Returns the outcome, and the member as it is in the room
 * now.
 */
export async function renameMember(
  db: Knex,
  { roomId, entrant, tag }: Renaming,
  wakeUps?: WakeUps,
): Promise<{ outcome: RenameOutcome; member: Member }> {
  const { skeleton, tag: _former, ...member } = entrant;
  const { id, nickname, color, trip } = member;
  const [row] = await rowsOf<RenameRow>(db, "select * from rename_member(?, ?, ?, ?, ?, ?, ?, ?::text[], ?)", [
    ...[roomId, id, nickname, color, trip ?? null, skeleton, tag],
    ...[[...COLORS], notifyChannelOf(wakeUps)],
  ]);
  const renamed = row as RenameRow;
  if (renamed.seq !== null) await publishHeads(db, wakeUps, [{ room_id: roomId, seq: renamed.seq }]);
  return {
    outcome: renamed.outcome,
    member: { ...member, color: renamed.color ?? color, ...(renamed.tag !== null && { tag: renamed.tag }) },
  };
}

type RenameRow = { outcome: RenameOutcome; color: string | null; tag: string | null; seq: number | null };
