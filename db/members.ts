import type { Knex } from "knex";
import type { Member } from "../protocol/event.ts";
import { append, type Draft } from "./events.ts";

/** A member and the look of the nickname, by which it is unique in a room; see server/rooms/nickname.ts. */
export type Entrant = Member & { look: string };

/** One member in one room. */
export type Place = { roomId: number; memberId: string };

/** Who is in a room, in order of entering. */
export async function listMembers(db: Knex, roomId: number): Promise<Member[]> {
  const rows = await db<MemberRow>("members").where({ room_id: roomId }).orderBy(["entered_at", "member_id"]);
  return rows.map(memberOf);
}

/** Is this member in the room? */
export async function isPresent(db: Knex, { roomId, memberId }: Place): Promise<boolean> {
  const row = await db("members").where({ room_id: roomId, member_id: memberId }).first("member_id");
  return row !== undefined;
}

/**
 * Enters a room, with the line that says so; says nothing when the member is there already, and says both when it was
 * there under another name. Whoever holds the same trip is the same person: that ghost goes first. Gives `false` when
 * somebody else has a nickname of this look.
 *
 * One transaction, the member's row before the room's: nobody holds a room and waits for a member.
 */
export async function enterRoom(db: Knex, roomId: number, entrant: Entrant): Promise<boolean> {
  try {
    await db.transaction(async (tx) => {
      const drafts = [...(await removeGhost(tx, roomId, entrant)), ...(await placeMember(tx, roomId, entrant))];
      if (drafts.length > 0) await append(tx, drafts);
    });
    return true;
  } catch (error) {
    if ((error as { constraint?: string }).constraint === "members_look") return false;
    throw error;
  }
}

/** Leaves a room, or every room, with the line that says so; nothing happens to who is not there. */
export async function leaveRoom(db: Knex, { roomId, memberId }: { roomId?: number; memberId: string }): Promise<void> {
  const key = { member_id: memberId, ...(roomId !== undefined && { room_id: roomId }) };
  await db.transaction(async (tx) => {
    const gone = await tx<MemberRow>("members").where(key).delete("*");
    if (gone.length > 0) await append(tx, gone.map(leaveDraft));
  });
}

/** Notes that these members were seen so many milliseconds ago; gives those of them who are present. */
export async function touchMembers(db: Knex, places: (Place & { agoMs: number })[]): Promise<Place[]> {
  const { rows } = await db.raw(
    `update members m set seen_at = greatest(m.seen_at, now() - p.ago_ms * interval '1 millisecond')
     from (select * from unnest(?::int[], ?::text[], ?::int[]) as p (room_id, member_id, ago_ms) order by 1, 2) p
     where m.room_id = p.room_id and m.member_id = p.member_id
     returning m.room_id as "roomId", m.member_id as "memberId"`,
    [
      places.map((place) => place.roomId),
      places.map((place) => place.memberId),
      places.map((place) => Math.round(place.agoMs)),
    ],
  );
  return rows;
}

/** Lets those leave who were not seen for `graceSeconds`, at most 200 at a time. Nodes share the work row by row. */
export async function sweepMembers(db: Knex, graceSeconds: number): Promise<number> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.raw<{ rows: MemberRow[] }>(
      `delete from members where (room_id, member_id) in (
         select room_id, member_id from members where seen_at < now() - make_interval(secs => ?)
         order by room_id, member_id limit 200 for update skip locked
       ) returning *`,
      [graceSeconds],
    );
    if (rows.length > 0) await append(tx, rows.map(leaveDraft));
    return rows.length;
  });
}

/** Notes that a member is typing; `false` for who is not present. */
export async function noteTyping(db: Knex, { roomId, memberId }: Place): Promise<boolean> {
  const noted = await db("members").where({ room_id: roomId, member_id: memberId }).update({ typing_at: db.fn.now() });
  return noted > 0;
}

type MemberRow = {
  room_id: number;
  member_id: string;
  nickname: string;
  color: string;
  trip: string | null;
  look: string;
};

/** Takes the same person's older self out of the way: same look, same trip, another browser. */
async function removeGhost(tx: Knex, roomId: number, entrant: Entrant): Promise<Draft[]> {
  if (entrant.trip === undefined) return [];
  const ghosts = await tx<MemberRow>("members")
    .where({ room_id: roomId, look: entrant.look, trip: entrant.trip })
    .whereNot({ member_id: entrant.id })
    .delete("*");
  return ghosts.map(leaveDraft);
}

/** Writes the member's row and gives what there is to say about it. */
async function placeMember(tx: Knex, roomId: number, entrant: Entrant): Promise<Draft[]> {
  const { look, ...member } = entrant;
  const row = { nickname: member.nickname, color: member.color, trip: member.trip ?? null, look };
  const key = { room_id: roomId, member_id: member.id };
  const before = await tx<MemberRow>("members").where(key).forUpdate().first();
  const enter: Draft = { roomId, kind: "enter", member };
  if (before === undefined) {
    const inserted = await tx("members")
      .insert({ ...key, ...row })
      .onConflict(["room_id", "member_id"])
      .ignore()
      .returning("look");
    return inserted.length > 0 ? [enter] : [];
  }
  await tx("members")
    .where(key)
    .update({ ...row, seen_at: tx.fn.now() });
  const isRenamed = before.nickname !== member.nickname || before.trip !== row.trip;
  return isRenamed ? [leaveDraft(before), enter] : [];
}

function leaveDraft(row: MemberRow): Draft {
  return { roomId: row.room_id, kind: "leave", member: memberOf(row) };
}

function memberOf(row: MemberRow): Member {
  const member: Member = { id: row.member_id, nickname: row.nickname, color: row.color };
  if (row.trip !== null) member.trip = row.trip;
  return member;
}
