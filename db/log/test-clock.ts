import type { Knex } from "knex";
import { execute, rowsOf } from "../pool/statement.ts";

/**
 * Gives the schema a clock that tests can move: functions that come before those of PostgreSQL in
 * the search path of a pool with `hasTestClock`, and of no other. Returns how far it is ahead, in
 * milliseconds: `aheadMs`, or what another test has left.
 */
export async function installTestClock(db: Knex, aheadMs: number): Promise<number> {
  await db.transaction(async (tx) => {
    await execute(tx, "select pg_advisory_xact_lock(?)", [CLOCK_LOCK]);
    await execute(tx, "create table if not exists test_clock (ahead_ms bigint not null)");
    await execute(tx, "insert into test_clock select 0 where not exists (select from test_clock)");
    for (const name of ["now", "clock_timestamp"])
      await execute(
        tx,
        `create or replace function ${name}() returns timestamptz stable language sql as $$
           select pg_catalog.${name}() + (select ahead_ms from test_clock) * interval '1 millisecond'
         $$`,
      );
  });
  return moveTestClock(db, aheadMs);
}

/** Moves the clock to `aheadMs` ahead of the database's, and never back. Returns where it is. */
export async function moveTestClock(db: Knex, aheadMs: number): Promise<number> {
  const [moved] = await rowsOf<{ aheadMs: number }>(
    db,
    `update test_clock set ahead_ms = greatest(ahead_ms, ?) returning ahead_ms as "aheadMs"`,
    [aheadMs],
  );
  return moved?.aheadMs ?? 0;
}

/** "time" in ASCII: a key among the database's advisory locks. */
const CLOCK_LOCK = 0x74696d65;
