import type { Knex } from "knex";
import type { RoomUnname } from "../../protocol/event.ts";
import { execute, rowsOf } from "../pool/statement.ts";
import { type Culprit, membersOfCulprit } from "./erase.ts";
import { type EventRow, eventOf } from "./event-row.ts";
import { notifyChannelOf, publishHeads, type WakeUps } from "./wake-ups.ts";

/** People whose names are erased in one commit. */
const AT_ONCE = 100;

/** Events of a log that one commit reads, and changes if all are theirs, which takes some 0.2 s. */
const EVENTS_AT_ONCE = 2_000;

/** Where to erase names: whose, by what name they are called then, and in which room, or in all. */
export type NamesToErase = { culprit: Culprit; nameOf(memberId: string): string; roomId?: number | undefined };

/** The events of one commit. */
export type ErasedNames = { roomId: number; events: RoomUnname[] };

/**
 * Erases the names of a culprit in all events and lists, room by room, and appends an event for
 * each person and room. The events that a room has already change in parts, during which people
 * talk on. The rest is one statement for each room, see db/sql/erase_names.sql.
 */
export async function* eraseNames(
  db: Knex,
  { culprit, nameOf, roomId }: NamesToErase,
  wakeUps?: WakeUps,
): AsyncGenerator<ErasedNames> {
  const members = await membersOfCulprit(db, culprit, roomId);
  for (let start = 0; start < members.length; start += AT_ONCE) {
    const ids = members.slice(start, start + AT_ONCE);
    for (const id of await logsWith(db, ids, roomId)) {
      const people = { roomId: id, ids, names: ids.map(nameOf) };
      const { kept, since } = await eraseInParts(db, people);
      const rows = await rowsOf<EventRow>(db, "select * from erase_names(?, ?::text[], ?::text[], ?::bigint[], ?, ?)", [
        id,
        ids,
        people.names,
        kept,
        since,
        notifyChannelOf(wakeUps),
      ]);
      await publishHeads(db, wakeUps, rows);
      yield { roomId: id, events: rows.map((row) => eventOf(row) as RoomUnname) };
    }
  }
}

type NamesInLog = { roomId: number; ids: string[]; names: string[] };

/**
 * Replaces names in the events that a log has, except in the newest of each person, whose seqs are
 * returned as `kept`. `since` is the last seq of the log when this began.
 */
async function eraseInParts(db: Knex, { roomId, ids, names }: NamesInLog): Promise<{ kept: number[]; since: number }> {
  // Events of later seqs come later, so those of earlier ones are all there.
  const [room] = await rowsOf<{ head: number }>(db, "select last_seq as head from rooms where id = ?", [roomId]);
  const since = room?.head ?? 0;
  const theirs = await rowsOf<{ first: number; last: number }>(
    db,
    `select min(seq) as first, max(seq) as last from (
       select member_id, seq from events where member_id = any(:ids) and client_id is null and room_id = :roomId
       union all select member_id, seq from events
       where member_id = any(:ids) and client_id is not null and room_id = :roomId
     ) theirs group by member_id`,
    { ids, roomId },
  );
  const kept = theirs.map(({ last }) => last);
  const last = Math.max(0, ...kept);
  let before = Math.min(last, ...theirs.map(({ first }) => first)) - 1;
  for (; before < last; before += EVENTS_AT_ONCE)
    await execute(db, PART, [ids, names, roomId, before, before + EVENTS_AT_ONCE, kept]);
  return { kept, since };
}

const PART = `update events e set nickname = c.name, trip = null, tag = null,
    former = case when e.kind = 'rename'
      then jsonb_build_object('id', e.member_id, 'nickname', c.name, 'color', e.color) else e.former end
  from unnest(?::text[], ?::text[]) as c (id, name)
  where e.room_id = ? and e.seq > ? and e.seq <= ? and e.seq <> all(?::bigint[]) and e.member_id = c.id
    and (e.nickname <> c.name or e.trip is not null or e.tag is not null)`;

/** Returns the rooms and inboxes whose logs or lists have one of these members. */
async function logsWith(db: Knex, members: string[], roomId: number | undefined): Promise<number[]> {
  const rows = await rowsOf<{ id: number }>(
    db,
    `select r.id from rooms r join (
       select room_id from events where member_id = any(:members) and client_id is null
       union select room_id from events where member_id = any(:members) and client_id is not null
       union select room_id from members where member_id = any(:members)
       -- People who whispered to them.
       union select other.id from rooms own
       join events e on e.room_id = own.id and e.kind = 'whisper'
       join rooms other on other.parent_id = own.parent_id and other.inbox_of = e.member_id
       where own.inbox_of = any(:members)
     ) found on found.room_id = r.id
     where coalesce(r.parent_id, r.id) = coalesce(:room, r.parent_id, r.id) order by r.id`,
    { members, room: roomId ?? null },
  );
  return rows.map(({ id }) => id);
}
