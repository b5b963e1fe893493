import type { Knex } from "knex";
import { execute, rowsOf } from "../pool/statement.ts";

/** Rows in one transaction, which takes some 25 ms and locks the room only at its end. */
const SLICE = 1_000;

/**
 * One node prunes at a time. "prun" in ASCII, locked per transaction, which works through a
 * PgBouncer too.
 */
const PRUNE_LOCK = 0x7072756e;

/**
 * Deletes a slice of the events of one room that are older than `days` days, or than the days that
 * the room's own settings name, if those are fewer. An inbox has the settings of its room. Deletes
 * the oldest ones, and none behind an event that stays, so the kept events have no hole. Returns
 * the number of events deleted, 0 if none is left to delete, and `undefined` if another node is
 * pruning.
 *
 * The room's counter does not change, so no seq is used twice. A reader whose cursor is before the
 * kept events gets a reset. A message whose first copy was deleted is stored again if it is sent
 * again.
 */
export async function pruneSlice(db: Knex, days: number | undefined): Promise<number | undefined> {
  return db.transaction(async (tx) => {
    const [lock] = await rowsOf<{ is_ours: boolean }>(tx, "select pg_try_advisory_xact_lock(?) as is_ours", [
      PRUNE_LOCK,
    ]);
    if (!lock?.is_ours) return undefined;
    await execute(tx, READ_BY_KEY);
    const room = await findRoom(tx, days);
    return room === undefined ? 0 : deleteOldest(tx, room.id, room.days);
  });
}

/**
 * The planner does not know where a room's log begins, expects few rows and sorts the whole room
 * for a slice: 120 ms instead of 25 in a room of 30,000 events. Reading by the key needs no sort.
 */
const READ_BY_KEY = "set local enable_sort = off; set local enable_bitmapscan = off; set local enable_seqscan = off";

/** Returns a room whose oldest event is too old, and the days that its events are kept. */
async function findRoom(tx: Knex, days: number | undefined): Promise<{ id: number; days: number } | undefined> {
  const [room] = await rowsOf<{ id: number; days: number }>(
    tx,
    `select r.id, kept.days from rooms r
     cross join lateral (
       select least(?::int, (o.settings->>'keepDays')::int) as days
       from rooms o where o.id = coalesce(r.parent_id, r.id) offset 0
     ) kept
     cross join lateral (
       select at from events where room_id = r.id and seq > r.pruned_seq order by seq limit 1
     ) oldest
     where kept.days is not null and oldest.at < now() - make_interval(days => kept.days) order by r.id limit 1`,
    [days ?? null],
  );
  return room;
}

/**
 * Stops at the first event that stays, because a clock that was set back may have put an older time
 * behind a newer one. The room's row is written last, so a message to the room waits only for the
 * commit.
 */
async function deleteOldest(tx: Knex, roomId: number, days: number): Promise<number> {
  const [deleted] = await rowsOf<{ count: number }>(
    tx,
    `with room as materialized (
       select id, pruned_seq from rooms where id = ?
     ), page as materialized (
       select seq, at < now() - make_interval(days => ?) as is_old from events
       where room_id = (select id from room) and seq > (select pruned_seq from room) order by seq limit ?
     ), kept as materialized (
       select coalesce(min(seq) filter (where not is_old), max(seq) + 1) as seq from page
     ), deleted as (
       delete from events where room_id = (select id from room)
         and seq > (select pruned_seq from room) and seq < (select seq from kept)
       returning seq
     ), moved as (
       update rooms set pruned_seq = d.seq from (select max(seq) as seq from deleted) d
       where rooms.id = (select id from room) and d.seq > pruned_seq
     )
     select count(*) from deleted`,
    [roomId, days, SLICE],
  );
  return deleted?.count ?? 0;
}
