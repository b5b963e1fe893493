import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import pg from "pg";
import { databaseVitals } from "../../db/log/vitals.ts";
import { connect } from "../../db/pool/connect.ts";
import { createDatabase } from "../support/database.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let db: Knex;
const refusals: unknown[] = [];
const vitals = (pool = db) => databaseVitals(pool, (error) => refusals.push(error));

beforeAll(async () => {
  database = await createDatabase();
  db = connect(database.url);
});
afterAll(async () => {
  await db?.destroy();
  await database?.drop();
});

test("a transaction that was begun and forgotten makes the oldest snapshot older with each transaction", async () => {
  const forgotten = new pg.Client(database.url);
  await forgotten.connect();
  await forgotten.query("begin isolation level repeatable read; select 1");
  for (let n = 0; n < 20; n++) await db.raw("update rooms set title = title");
  expect((await vitals()).oldestSnapshot).toBeGreaterThanOrEqual(20);
  await forgotten.end();
});

test("figures that the server refuses are left out, and the others are there", async () => {
  await db.raw(
    `create function chattera.pg_notification_queue_usage() returns double precision language plpgsql
     as 'begin raise exception ''refused'' using errcode = ''42501''; end'`,
  );
  const name = new URL(database.url).pathname.slice(1);
  await db.raw(`alter database ${name} set search_path = chattera, pg_catalog`);
  const other = connect(database.url.replace(/\?.*/, ""));
  expect(await vitals(other)).toEqual({
    notificationQueue: undefined,
    oldestSnapshot: expect.any(Number),
    deadRows: ["members", "rooms", "watchers"].map((table) => ({ table, rows: expect.any(Number) })),
  });
  expect(refusals).toMatchObject([{ code: "42501" }]);
  await other.destroy();
});
