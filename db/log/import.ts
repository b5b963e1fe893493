import type { Knex } from "knex";
import type { RoomEvent } from "../../protocol/event.ts";
import { execute, rowsOf } from "../pool/statement.ts";

/** The part of a room's log that is stored: the events after `pruned`, up to `head`. */
export type StoredPart = { roomId: number; pruned: number; head: number };

/** Returns which part of a room's log is stored, `undefined` if there is no such room. */
export async function findPart(db: Knex, slug: string): Promise<StoredPart | undefined> {
  const [part] = await rowsOf<StoredPart>(
    db,
    `select id as "roomId", pruned_seq as pruned, last_seq as head from rooms where slug = ? and inbox_of is null`,
    [slug],
  );
  return part;
}

/** Sets the description and the rules of a room that was just made. */
export async function setRules(db: Knex, slug: string, room: { description: string; rules: object }): Promise<void> {
  await execute(db, "update rooms set description = ?, settings = ?::jsonb where slug = ?", [
    room.description,
    JSON.stringify(room.rules),
    slug,
  ]);
}

/**
 * Has the log of a room without events begin after `pruned`. Returns `false` if the room has
 * events.
 */
export async function beginLogAfter(db: Knex, roomId: number, pruned: number): Promise<boolean> {
  const changed = await execute(db, "update rooms set last_seq = ?, pruned_seq = ? where id = ? and last_seq = 0", [
    pruned,
    pruned,
    roomId,
  ]);
  return changed === 1;
}

/**
 * Stores events of another log under their own seqs, which must follow each other without a gap.
 * Events that the room has already stay as they are, with all changes since. Returns the number of
 * events stored, and `undefined`, storing nothing, if the room has other events under these seqs or
 * would have a gap.
 */
export async function importEvents(db: Knex, roomId: number, events: RoomEvent[]): Promise<number | undefined> {
  const first = events[0]?.seq ?? 1;
  return db.transaction(async (tx) => {
    // Messages to the room wait, as they do for each other.
    const [room] = await rowsOf<{ head: number }>(tx, "select last_seq as head from rooms where id = ? for update", [
      roomId,
    ]);
    if (room === undefined || room.head < first - 1) return undefined;
    const given = JSON.stringify(events.map(rowOf));
    const [others] = await rowsOf<{ count: number }>(
      tx,
      `select count(*) from json_to_recordset(?::json) as g (seq bigint, kind text, member_id text, at timestamptz)
       join events e on e.room_id = ? and e.seq = g.seq
       where (e.kind, e.member_id, date_trunc('milliseconds', e.at)) is distinct from (g.kind, g.member_id, g.at)`,
      [given, roomId],
    );
    if (others !== undefined && others.count > 0) return undefined;
    return execute(tx, INSERT, [given, roomId, room.head]);
  });
}

/**
 * A client id is unique for its member in the whole database. A copy of a message that is also in
 * another room does without.
 */
const INSERT = `
  with given as materialized (
    select * from json_to_recordset(?::json) as g (
      seq bigint, kind text, member_id text, nickname text, color text, trip text, tag text, text text,
      client_id text, at timestamptz, target bigint, change text, former jsonb
    )
  ), room as materialized (
    select ?::int as id, ?::bigint as head
  ), moved as (
    update rooms set last_seq = g.seq, last_at = g.at, used_at = now()
    from (select seq, at from given order by seq desc limit 1) g
    where rooms.id = (select id from room) and g.seq > rooms.last_seq
  )
  insert into events (
    room_id, seq, kind, member_id, nickname, color, trip, tag, text, client_id, at, target, change, former
  )
  select room.id, seq, kind, member_id, nickname, color, trip, tag, text,
    case when not exists (
      select from events e where e.member_id = given.member_id and e.client_id = given.client_id
    ) then client_id end,
    at, target, change, former
  from given, room where seq > room.head order by seq`;

/** Returns the columns of an event. */
function rowOf(event: RoomEvent): { [column: string]: unknown } {
  const { seq, kind, member, at, text, id } = event;
  return {
    ...{ seq, kind, at, text, member_id: member.id, client_id: id },
    ...{ nickname: member.nickname, color: member.color, trip: member.trip, tag: member.tag },
    target: "target" in event ? event.target : "reply" in event ? event.reply : undefined,
    change: "erased" in event ? "erased" : "edited" in event ? "edited" : undefined,
    former: "former" in event ? event.former : "by" in event ? { by: event.by } : undefined,
  };
}
