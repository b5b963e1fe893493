import type { Knex } from "knex";
import type { RoomUnname } from "../../protocol/event.ts";
import { rowsOf } from "../pool/statement.ts";
import { type Culprit, membersOfCulprit } from "./erase.ts";
import { type EventRow, eventOf } from "./event-row.ts";
import { notifyChannelOf, publishHeads, type WakeUps } from "./wake-ups.ts";

/** People whose names are erased in one commit. */
const AT_ONCE = 100;

/** Where to erase names: whose, by what name they are called then, and in which room, or in all. */
export type NamesToErase = { culprit: Culprit; nameOf(memberId: string): string; roomId?: number | undefined };

/** The events of one commit. */
export type ErasedNames = { roomId: number; events: RoomUnname[] };

/**
 * Erases the names of a culprit in all events and lists, room by room, and appends an event for
 * each person and room. This is one statement for each room, see db/sql/erase_names.sql.
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
      const rows = await rowsOf<EventRow>(db, "select * from erase_names(?, ?::text[], ?::text[], ?)", [
        ...[id, ids, ids.map(nameOf)],
        notifyChannelOf(wakeUps),
      ]);
      await publishHeads(db, wakeUps, rows);
      yield { roomId: id, events: rows.map((row) => eventOf(row) as RoomUnname) };
    }
  }
}

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
