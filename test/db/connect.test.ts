import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { connect, isDatabaseAway } from "../../db/pool/connect.ts";
import { rowsOf } from "../../db/pool/statement.ts";
import { type BadProxy, openBadProxy } from "../support/bad-proxy.ts";
import { createDatabase, query } from "../support/database.ts";
import { until } from "../support/until.ts";

const TIMEOUT_MS = 1_000;

let database: Awaited<ReturnType<typeof createDatabase>>;
let proxy: BadProxy;
let db: Knex;

beforeAll(async () => {
  database = await createDatabase();
  proxy = await openBadProxy(database.url);
  db = connect(proxy.through(database.url), { poolMax: 1, timeoutMs: TIMEOUT_MS });
});

afterEach(() => proxy.pass());

afterAll(async () => {
  await db?.destroy();
  await proxy?.close();
  await database?.drop();
});

test("a connection that timed out inside a transaction is not reused, so the next write is committed", async () => {
  const before = await backend();
  await failsAway(
    db.transaction(async (tx) => {
      await tx("rooms").insert({ slug: "timed-out", title: "" });
      proxy.stopReading();
      await tx.raw("select 1");
    }),
  );
  // Now the late answers arrive.
  await proxy.pass();
  await db("rooms").insert({ slug: "kept", title: "" });
  expect(await query(database.url, "select slug from rooms where slug in ('kept', 'timed-out')")).toEqual([
    { slug: "kept" },
  ]);
  expect(await backend()).not.toBe(before);
});

test("a transaction whose connection died unnoticed unlocks its room", async () => {
  await failsAway(
    db.transaction(async (tx) => {
      await tx("rooms").where({ slug: "lobby" }).forUpdate().first();
      proxy.blackHole();
      await tx.raw("select 1");
    }),
  );
  const lock = "select from rooms where slug = 'lobby' for update nowait";
  // PostgreSQL does not know yet, and still holds the lock.
  await expect(query(database.url, lock)).rejects.toMatchObject({ code: "55P03" });
  await until("the room is unlocked", () =>
    query(database.url, lock).then(
      () => true,
      () => false,
    ),
  );
});

test("a connection that died while idle is not used again after another one has timed out", async () => {
  const pool = connect(proxy.through(database.url), { poolMax: 3, timeoutMs: TIMEOUT_MS });
  await Promise.all([1, 2, 3].map(() => pool.raw("select pg_sleep(0.05)")));
  expect(proxy.connections()).toBeGreaterThanOrEqual(3);
  proxy.blackHole();
  await failsAway(pool.raw("select 1"));
  await proxy.pass();
  const started = performance.now();
  await pool.raw("select 1");
  await pool.raw("select 1");
  expect(performance.now() - started).toBeLessThan(TIMEOUT_MS);
  await pool.destroy();
});

test("an error has the statement, and none of its bindings", async () => {
  const failed = db.raw("select ?::int", ["a secret word"]);
  await expect(failed).rejects.toThrow("select $1::int");
  // PostgreSQL itself quotes the value that it could not read. Other values are not in the message.
  const other = db.raw("select ?::text, 1 / 0", ["a secret word"]);
  await expect(other).rejects.not.toThrow("a secret word");
});

test("a server that ends transactions that last too long is away, not a bug of ours", async () => {
  const [server] = await query(database.url, "select current_setting('transaction_timeout', true) as known");
  if (typeof server?.known !== "string") return; // Before PostgreSQL 17.
  const pool = connect(database.url, { poolMax: 1 });
  await failsAway(
    pool.transaction(async (tx) => {
      await tx.raw("set local transaction_timeout = 50");
      await tx.raw("select pg_sleep(1)");
    }),
  );
  await pool.destroy();
});

async function failsAway(doing: PromiseLike<unknown>): Promise<void> {
  const error = await doing.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  expect(isDatabaseAway(error)).toBe(true);
}

async function backend(): Promise<number> {
  const [row] = await rowsOf<{ pid: number }>(db, "select pg_backend_pid() as pid");
  return row?.pid ?? Number.NaN;
}
