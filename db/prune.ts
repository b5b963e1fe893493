import type { Knex } from "knex";

/** Rows in one transaction: some 20 ms, in which nobody who speaks waits for it, for it locks no room. */
const SLICE = 1_000;

/** One node prunes at a time; "prun" in ASCII. By transaction, so that it holds through a PgBouncer too. */
const PRUNE_LOCK = 0x7072756e;

/**
 * Deletes a slice of what was said more than `days` ago: the oldest of one room, never what comes after something that
 * stays, so that what is kept has no hole. Gives how many events went: 0 when all is done, or another node is at it.
 *
 * A room's counter stays where it is: no seq comes twice. A reader whose cursor stands before what is kept is told so
 * by a reset. A remark that is sent again after its first copy went is a new one.
 */
export async function pruneSlice(db: Knex, days: number): Promise<number> {
  return db.transaction(async (tx) => {
    const { rows: locks } = await tx.raw("select pg_try_advisory_xact_lock(?) as is_ours", [PRUNE_LOCK]);
    if (!locks[0].is_ours) return 0;
    const roomId = await findRoom(tx, days);
    return roomId === undefined ? 0 : deleteOldest(tx, roomId, days);
  });
}

/** A room whose oldest event is too old. */
async function findRoom(tx: Knex, days: number): Promise<number | undefined> {
  const { rows } = await tx.raw(
    `select r.id from rooms r
     cross join lateral (select at from events where room_id = r.id order by seq limit 1) oldest
     where oldest.at < now() - make_interval(days => ?) order by r.id limit 1`,
    [days],
  );
  return rows[0]?.id;
}

/** A clock that was set back may have put an older time behind a newer: what comes after the first that stays, stays. */
async function deleteOldest(tx: Knex, roomId: number, days: number): Promise<number> {
  const { rowCount } = await tx.raw(
    `with page as materialized (
       select seq, at < now() - make_interval(days => ?) as is_old from events where room_id = ? order by seq limit ?
     )
     delete from events where room_id = ? and seq in (
       select seq from page where seq < all (select seq from page where not is_old)
     )`,
    [days, roomId, SLICE, roomId],
  );
  return rowCount;
}
