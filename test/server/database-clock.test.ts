import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { pino } from "pino";
import { isPresent, touchMembers } from "../../db/log/members.ts";
import { countPeople } from "../../db/log/presence.ts";
import { postgresWakeUps } from "../../db/log/wake-ups.ts";
import { connect } from "../../db/pool/connect.ts";
import { createSweep } from "../../server/presence/sweep.ts";
import { createDatabase, query, testServer } from "../support/database.ts";
import { enterRoom } from "../support/enter.ts";
import { until } from "../support/until.ts";

const GRACE_SECONDS = 2;

let database: Awaited<ReturnType<typeof createDatabase>>;
let db: Knex;
let roomId: number;

/** A database whose now() can be set: its own function is found before PostgreSQL's. */
beforeAll(async () => {
  database = await createDatabase();
  const name = new URL(database.url).pathname.slice(1);
  await query(testServer().url, `alter database ${name} set search_path = chattera, pg_catalog`);
  // The options in the URL of an embedded database come before those of the database.
  db = connect(database.url.replace(/\?.*/, ""));
  await db.raw("create table clock (ahead interval); insert into clock values ('0')");
  await db.raw(
    "create function chattera.now() returns timestamptz stable language sql as 'select pg_catalog.now() + ahead from clock'",
  );
  roomId = (await db("rooms").where({ slug: "lobby" }).first("id")).id;
});

beforeEach(async () => {
  await setClock("0");
  await db("members").delete();
  await enterRoom(db, roomId, { id: "ann", nickname: "Ann", color: "#b3261e", skeleton: "ann" });
});

afterAll(async () => {
  await db?.destroy();
  await database?.drop();
});

test("after the database's clock was set forward, nobody leaves until their node could write them again", async () => {
  const sweep = newSweep();
  await sweep.begin();
  await setClock("1 hour");
  await sweep.begin();
  expect(await isPresent(db, { roomId, memberId: "ann" })).toBe(true);
  await touchMembers(db, [{ roomId, memberId: "ann", agoMs: 0 }]);
  await until("a grace period has passed", async () => {
    await sweep.begin();
    return !(await isPresent(db, { roomId, memberId: "ann" }));
  });
  await sweep.stop();
});

test("after the database's clock was set back, a member that vanishes leaves after the grace period", async () => {
  await setClock("1 hour");
  await touchMembers(db, [{ roomId, memberId: "ann", agoMs: 0 }]);
  await db.raw("insert into watchers (node, room_id, visitors, seen_at) values ('dead', ?, 77, now())", [roomId]);
  await setClock("0");
  expect(await countPeople(db, roomId)).toMatchObject({ visitors: 0 });
  const sweep = newSweep();
  await sweep.begin();
  expect(await isPresent(db, { roomId, memberId: "ann" })).toBe(true);
  await until("the member has left", async () => {
    await sweep.begin();
    return !(await isPresent(db, { roomId, memberId: "ann" }));
  });
  await sweep.stop();
});

test("after the database's clock was set back, a member that is seen is seen now, not in the future", async () => {
  await setClock("1 hour");
  await touchMembers(db, [{ roomId, memberId: "ann", agoMs: 0 }]);
  await setClock("0");
  await touchMembers(db, [{ roomId, memberId: "ann", agoMs: 0 }]);
  const { rows } = await db.raw("select seen_at <= now() as past from members");
  expect(rows).toEqual([{ past: true }]);
});

function newSweep() {
  return createSweep({
    db,
    wakeUps: postgresWakeUps(db, database.url),
    graceSeconds: GRACE_SECONDS,
    logger: pino({ level: "silent" }),
  });
}

async function setClock(ahead: string): Promise<void> {
  await db.raw("update clock set ahead = ?::interval", [ahead]);
}
