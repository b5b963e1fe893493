import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { sweepMembers } from "../../db/log/leave.ts";
import { isPresent, touchMembers } from "../../db/log/members.ts";
import { findRooms } from "../../db/log/rooms.ts";
import { connect } from "../../db/pool/connect.ts";
import { execute, rowsOf } from "../../db/pool/statement.ts";
import { createDatabase } from "../support/database.ts";
import { enterRoom } from "../support/enter.ts";
import { until } from "../support/until.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let db: Knex;
let roomId: number;

beforeAll(async () => {
  database = await createDatabase();
  db = connect(database.url);
  roomId = ((await findRooms(db, ["lobby"]))[0] as { id: number }).id;
  await enterRoom(db, roomId, { id: "ann", nickname: "Ann", color: "#b3261e", skeleton: "ann" });
});

afterAll(async () => {
  await db.destroy();
  await database.drop();
});

/** Returns the milliseconds since Ann was seen, by the database's clock. */
async function seenAgo(): Promise<number> {
  const statement = "select extract(epoch from now() - seen_at)::float8 * 1000 as ms from members";
  const [ann] = await rowsOf<{ ms: number }>(db, statement);
  return ann?.ms ?? Number.NaN;
}

const touch = (memberId: string, agoMs: number) => touchMembers(db, [{ roomId, memberId, agoMs }]);

test("a member seen some time ago is recorded as seen then, but never earlier than recorded before", async () => {
  await db.raw("update members set seen_at = now() - interval '60 seconds'");
  expect(await touch("ann", 20_000)).toEqual([{ roomId, memberId: "ann" }]);
  expect(Math.abs((await seenAgo()) - 20_000)).toBeLessThan(5_000);
  await touch("ann", 40_000.7);
  expect(Math.abs((await seenAgo()) - 20_000)).toBeLessThan(5_000);
});

test("a member who is not in the room is not recorded", async () => {
  expect(await touch("nobody", 0)).toEqual([]);
});

test("a member who was not seen within the grace leaves", async () => {
  expect([await sweepMembers(db, { graceSeconds: 60 }), await isPresent(db, { roomId, memberId: "ann" })]).toEqual([
    0,
    true,
  ]);
  expect([await sweepMembers(db, { graceSeconds: 10 }), await isPresent(db, { roomId, memberId: "ann" })]).toEqual([
    1,
    false,
  ]);
});

test("members are locked in the order of their ids, whatever plan the update has", async () => {
  // In the table, the one with the greater id comes first.
  for (const id of ["zoe", "bea"]) await enterRoom(db, roomId, { id, nickname: id, color: "#b3261e", skeleton: id });
  const other = await db.transaction();
  await execute(other, "select from members where member_id = 'bea' for update");
  const touched = db.transaction(async (tx) => {
    await execute(tx, "set local enable_nestloop = off");
    await execute(tx, "set local enable_mergejoin = off");
    await touchMembers(tx, [
      { roomId, memberId: "zoe", agoMs: 0 },
      { roomId, memberId: "bea", agoMs: 0 },
    ]);
  });
  await until("the update waits for the first one", async () => {
    const waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    return (await rowsOf<object>(db, waiting)).length > 0;
  });
  await execute(other, "select from members where member_id = 'zoe' for update nowait");
  await other.commit();
  await touched;
});
