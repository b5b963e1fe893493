import type { Knex } from "knex";
import type { Member } from "../../protocol/event.ts";
import { databaseNow, execute, rowsOf } from "../pool/statement.ts";

/** One member in one room. */
export type Membership = { roomId: number; memberId: string };

/**
 * A position in the list of members: after `memberId`, who entered at `enteredAt` (microseconds
 * since 1970).
 */
export type MemberPosition = { enteredAt: number; memberId: string };

/**
 * Returns members of a room in order of entering, at most `limit`, and the position of the last
 * one.
 */
export async function listMembers(
  db: Knex,
  roomId: number,
  { after, limit }: { after?: MemberPosition | undefined; limit: number },
): Promise<{ members: Member[]; last: MemberPosition | undefined }> {
  const rows = await rowsOf<MemberRow>(
    db,
    `select *, (extract(epoch from entered_at) * 1000000)::bigint as entered_us from members
     where room_id = ? and (entered_at, member_id) > ('epoch'::timestamptz + ? * interval '1 microsecond', ?)
     order by entered_at, member_id limit ?`,
    [roomId, after?.enteredAt ?? 0, after?.memberId ?? "", limit],
  );
  const last = rows.at(-1);
  return { members: rows.map(memberOf), last: last && { enteredAt: last.entered_us, memberId: last.member_id } };
}

/** Returns a member who is in a room or has sent a message there, as it is there or was last. */
export async function findMember(db: Knex, { roomId, memberId }: Membership): Promise<Member | undefined> {
  const columns = "member_id, nickname, color, trip, tag";
  const [row] = await rowsOf<MemberRow>(
    db,
    `(select ${columns} from members where room_id = ? and member_id = ?)
     union all (
       select ${columns} from events
       where member_id = ? and client_id is not null and room_id = ? order by seq desc limit 1
     ) limit 1`,
    [roomId, memberId, memberId, roomId],
  );
  return row && memberOf(row);
}

/** Returns whether a member is in a room. */
export async function isPresent(db: Knex, { roomId, memberId }: Membership): Promise<boolean> {
  const row = await db("members").where({ room_id: roomId, member_id: memberId }).first("member_id");
  return row !== undefined;
}

/** Returns whether a member is in a room, or left it within the hour and after it was locked. */
export async function mayComeBack(db: Knex, { roomId, memberId }: Membership): Promise<boolean> {
  const [found] = await rowsOf<{ found: boolean }>(
    db,
    `select exists (select from members where room_id = :roomId and member_id = :memberId) or exists (
       select from freed_names f join rooms r on r.id = f.room_id
       where f.room_id = :roomId and f.member_id = :memberId and f.freed_at > r.locked_at
     ) as found`,
    { roomId, memberId },
  );
  return found?.found === true;
}

/** Returns the memberships of one member. */
export async function roomsOf(db: Knex, memberId: string): Promise<Membership[]> {
  const memberships = db<{ room_id: number; member_id: string }>("members").where({ member_id: memberId });
  const rows = await memberships.select("room_id");
  return rows.map(({ room_id }) => ({ roomId: room_id, memberId }));
}

/** Returns the rooms that a member is in, except one. */
export function otherRoomsOf(db: Knex, { roomId, memberId }: Membership): Promise<{ slug: string; title: string }[]> {
  return rowsOf<{ slug: string; title: string }>(
    db,
    `select slug, title from members join rooms on id = room_id
     where member_id = ? and room_id <> ? order by entered_at desc limit 20`,
    [memberId, roomId],
  );
}

/**
 * A time further in the future was written before the database's clock was set back. The reader of
 * a page that refreshes counts as seen until its next refresh, in 5 minutes at most.
 */
export const CLOCK_SLACK = "10 minutes";

/**
 * Records that these members were seen `agoMs` ago. Returns those that are present. Locks them in
 * the order of enter_and_append_drafts.sql, whatever plan the update has.
 */
export async function touchMembers(db: Knex, seen: (Membership & { agoMs: number })[]): Promise<Membership[]> {
  if (seen.length === 0) return [];
  return rowsOf<Membership>(
    db,
    `with locked as (
       select m.room_id, m.member_id, p.ago_ms from unnest(?::int[], ?::text[], ?::int[]) as p (room_id, member_id, ago_ms)
       join members m on m.room_id = p.room_id and m.member_id = p.member_id
       order by m.room_id, m.member_id for no key update of m
     )
     update members m set seen_at = greatest(
       case when m.seen_at < now() + interval '${CLOCK_SLACK}' then m.seen_at end,
       now() - l.ago_ms * interval '1 millisecond'
     )
     from locked l where m.room_id = l.room_id and m.member_id = l.member_id
     returning m.room_id as "roomId", m.member_id as "memberId"`,
    [
      seen.map(({ roomId }) => roomId),
      seen.map(({ memberId }) => memberId),
      seen.map(({ agoMs }) => Math.round(agoMs)),
    ],
  );
}

/** Records that a member is typing. Returns `false` if it is not present. */
export async function noteTyping(db: Knex, { roomId, memberId }: Membership): Promise<boolean> {
  const noted = await db("members")
    .where({ room_id: roomId, member_id: memberId })
    .update({ typing_at: databaseNow(db) });
  return noted > 0;
}

/** Deletes the nicknames that were given up more than an hour ago. */
export async function forgetFreedNames(db: Knex): Promise<void> {
  await execute(db, "delete from freed_names where freed_at < now() - interval '1 hour'");
}

type MemberRow = {
  member_id: string;
  nickname: string;
  color: string;
  trip: string | null;
  tag: string | null;
  entered_us: number;
};

function memberOf(row: MemberRow): Member {
  const member: Member = { id: row.member_id, nickname: row.nickname, color: row.color };
  if (row.trip !== null) member.trip = row.trip;
  if (row.tag !== null) member.tag = row.tag;
  return member;
}
