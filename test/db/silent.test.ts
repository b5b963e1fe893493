import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { type EntryRequest, enterAndAppend } from "../../db/log/enter.ts";
import { leaveRooms, sweepMembers } from "../../db/log/leave.ts";
import { findRooms } from "../../db/log/rooms.ts";
import { connect } from "../../db/pool/connect.ts";
import { rowsOf } from "../../db/pool/statement.ts";
import { createDatabase } from "../support/database.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let db: Knex;
let roomId: number;

beforeAll(async () => {
  database = await createDatabase();
  db = connect(database.url);
  roomId = (await findRooms(db, ["lobby"]))[0]?.id as number;
});

afterAll(async () => {
  await db.destroy();
  await database.drop();
});

const enter = async (id: string, more: Partial<EntryRequest> & { trip?: string } = {}) => {
  const { trip, ...rest } = more;
  const entrant = { id, nickname: id, color: "#b3261e", skeleton: id, ...(trip && { trip }) };
  const entries = [{ roomId, entrant, tag: "tag", ...rest }];
  return (await enterAndAppend(db, { entries, drafts: [], roomMembers: 2 })).results[0]?.outcome;
};

const kinds = async () =>
  (await rowsOf<{ kind: string }>(db, "select kind from events order by seq")).map(({ kind }) => kind);

const here = async () =>
  (await rowsOf<{ member_id: string }>(db, "select member_id from members order by 1")).map((row) => row.member_id);

test("a silent entry stores no event, also for a member that is there, and neither does the leave", async () => {
  expect([await enter("ann", { silent: true }), await enter("ann", { silent: true })]).toEqual(["entered", "present"]);
  expect([await kinds(), await here()]).toEqual([[], ["ann"]]);
  expect(await leaveRooms(db, [{ roomId, memberId: "ann" }])).toBe(1);
  expect([await kinds(), await here()]).toEqual([[], []]);
});

test("who is removed for being unseen leaves as quietly, and is counted, next to others who do not", async () => {
  await enter("ann", { silent: true });
  await enter("ben");
  await db("members").update({ seen_at: db.raw("now() - interval '1 hour'") });
  expect(await sweepMembers(db, { graceSeconds: 60 })).toBe(2);
  expect([await kinds(), await here()]).toEqual([["enter", "leave"], []]);
});

test("a member with the same trip takes the place of a silent one without a line for it", async () => {
  const before = (await kinds()).length;
  const look = { skeleton: "cat", nickname: "cat", color: "#b3261e", trip: "◆same" };
  const entries = (id: string, silent: boolean) => [{ roomId, entrant: { ...look, id }, tag: "tag", silent }];
  await enterAndAppend(db, { entries: entries("one", true), drafts: [], roomMembers: 2 });
  await enterAndAppend(db, { entries: entries("two", false), drafts: [], roomMembers: 2 });
  expect([(await kinds()).slice(before), await here()]).toEqual([["enter"], ["two"]]);
});
