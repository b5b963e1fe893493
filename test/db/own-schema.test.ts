import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import knex, { type Knex } from "knex";
import { applyFunctions, readFunctions } from "../../db/functions.ts";
import { append, type Draft } from "../../db/log/append.ts";
import { openLog } from "../../db/log/log.ts";
import { migrate, migrationSource } from "../../db/migrate.ts";
import { connect, isDatabaseAway } from "../../db/pool/connect.ts";
import { execute, rowsOf } from "../../db/pool/statement.ts";
import { createDatabase } from "../support/database.ts";
import { enterRoom } from "../support/enter.ts";
import { HAS_PGBOUNCER, openPgBouncer } from "../support/pgbouncer.ts";

const ANN = { id: "ann", nickname: "Ann", color: "#b3261e" };

/** The migrations of versions whose tables were in the schema public. */
const FORMER = {
  ...migrationSource,
  getMigrations: async () => (await migrationSource.getMigrations([])).filter((name) => name < "20261201000020"),
};

let database: Awaited<ReturnType<typeof createDatabase>>;

beforeAll(async () => {
  database = await createDatabase();
  await emptyDatabase();
});
afterAll(() => database?.drop());

async function emptyDatabase(): Promise<void> {
  const db = knex({ client: "pg", connection: database.url });
  await db.raw("drop schema if exists chattera cascade; drop schema public cascade; create schema public");
  await db.destroy();
}

/** The host's own knex, with its default settings. */
async function migrateHost(): Promise<string[]> {
  const db = knex({ client: "pg", connection: database.url });
  const names = ["001_host.js", "002_host.js"];
  const source = {
    getMigrations: async () => names,
    getMigrationName: (name: string) => name,
    getMigration: async (name: string) => ({
      up: (tx: Knex) => tx.schema.createTable(name === "001_host.js" ? "events" : "rooms", (t) => void t.increments()),
      down: async () => undefined,
    }),
  };
  try {
    await db.migrate.latest({ migrationSource: source });
    return await db("knex_migrations").orderBy("id").pluck("name");
  } finally {
    await db.destroy();
  }
}

function tablesIn(db: Knex, schema: string): Promise<string[]> {
  return db("information_schema.tables").where({ table_schema: schema }).orderBy("table_name").pluck("table_name");
}

describe("in a database that the host migrates with knex, and whose tables have our names", () => {
  test.each(["before", "after"])("the host migrates %s chattera, and neither sees the other", async (order) => {
    await emptyDatabase();
    if (order === "before") await migrateHost();
    await migrate(database.url);
    expect(await migrateHost()).toEqual(["001_host.js", "002_host.js"]);
    await migrate(database.url);
    const db = connect(database.url);
    expect(await db("rooms").pluck("slug")).toEqual(["lobby"]);
    expect(await tablesIn(db, "public")).toEqual(["events", "knex_migrations", "knex_migrations_lock", "rooms"]);
    await db.destroy();
  });
});

describe("an installation of an earlier version, in the schema public", () => {
  let former: Knex;
  let roomId: number;

  beforeAll(async () => {
    await emptyDatabase();
    former = connect(database.url, { schema: "public" });
    await former.migrate.latest({ migrationSource: FORMER });
    const functions = await readFunctions();
    await former.transaction((tx) => applyFunctions(tx, functions));
    roomId = (await former("rooms").first("id")).id;
    await enterRoom(former, roomId, { ...ANN, skeleton: "ann" });
  });
  afterAll(() => former?.destroy());

  test("is moved with everything that its nodes acknowledged, and they store nothing after that", async () => {
    const { epoch, secret } = await openLog(former);
    let isMoved = false;
    const acknowledged: string[] = [];
    const refused = new Set<string>();
    const writers = [1, 2, 3].map(async (writer) => {
      for (let n = 1; !isMoved || n <= 200; n += 1) {
        const text = `${writer}-${n}`;
        const draft: Draft = { roomId, kind: "message", member: ANN, text, clientId: `client-${text}` };
        await append(former, [draft]).then(
          () => acknowledged.push(text),
          (error: { code: string }) => {
            expect(isDatabaseAway(error)).toBe(true);
            refused.add(error.code);
            n = 1_000;
          },
        );
      }
    });
    await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)]);
    isMoved = true;
    await Promise.all(writers);

    const db = connect(database.url);
    const said = await db("events").where({ room_id: roomId, kind: "message" }).orderBy("seq").select("seq", "text");
    expect(said.map(({ text }) => text).sort()).toEqual(acknowledged.sort());
    expect(said.map(({ seq }) => seq)).toEqual(said.map((_, index) => index + 2));
    expect([...refused].every((code) => ["42P01", "42883"].includes(code))).toBe(true);
    expect(await openLog(db)).toMatchObject({ epoch, secret });
    expect(await tablesIn(db, "public")).toEqual(["knex_migrations", "knex_migrations_lock"]);
    const left = "select from pg_proc where pronamespace = 'public'::regnamespace";
    expect(await rowsOf(db, left)).toEqual([]);
    expect(await db("chattera_migrations").orderBy("id").pluck("name")).toEqual(
      await migrationSource.getMigrations([]),
    );
    await db.destroy();
  }, 30_000);

  test("has no second, empty log made by a node of that version which starts again", async () => {
    const again = former.migrate.latest({ migrationSource: FORMER });
    await expect(again).rejects.toThrow("chattera_is_in_the_schema_chattera");
    expect(await tablesIn(former, "public")).toEqual(["knex_migrations", "knex_migrations_lock"]);
  });
});

test("an installation can stay in the schema public, and the host's migrations stay in their table", async () => {
  await emptyDatabase();
  const former = connect(database.url, { schema: "public" });
  await former.migrate.latest({ migrationSource: FORMER });
  await former("knex_migrations").insert({ name: "001_host.js", batch: 2, migration_time: new Date() });
  await migrate(database.url, undefined, "public");
  expect(await former("knex_migrations").pluck("name")).toEqual(["001_host.js"]);
  expect(await former("chattera_migrations").orderBy("id").pluck("name")).toEqual(
    await migrationSource.getMigrations([]),
  );
  await former.destroy();
});

test("two sites in one database have a schema each", async () => {
  await emptyDatabase();
  await migrate(database.url, undefined, "tea");
  await migrate(database.url, undefined, "coffee");
  const tea = connect(database.url, { schema: "tea" });
  const coffee = connect(database.url, { schema: "coffee" });
  await tea("rooms").insert({ slug: "green", title: "Green" });
  expect(await coffee("rooms").pluck("slug")).toEqual(["lobby"]);
  expect((await openLog(tea)).secret).not.toBe((await openLog(coffee)).secret);
  await tea.destroy();
  await coffee.destroy();
});

(HAS_PGBOUNCER ? describe : describe.skip)("behind a pooler in transaction mode", () => {
  test("our statements find our tables, and a host's on the same connection find the host's", async () => {
    await emptyDatabase();
    await migrateHost();
    const bouncer = await openPgBouncer(database.url, 1);
    const host = knex({ client: "pg", connection: bouncer.url });
    try {
      await migrate(bouncer.url);
      const db = connect(bouncer.url);
      const { id } = await db("rooms").first("id");
      await enterRoom(db, id, { ...ANN, skeleton: "ann" });
      const draft: Draft = { roomId: id, kind: "message", member: ANN, text: "hello", clientId: "client-01" };
      expect(await append(db, [draft])).toMatchObject([{ event: { seq: 2, text: "hello" }, isNew: true }]);
      expect(await host("rooms")).toEqual([]);
      expect(await host("events")).toEqual([]);
      await expect(execute(db, "select 1 / 0")).rejects.toThrow("division by zero");
      await expect(db.transaction((tx) => execute(tx, "select 1 / 0"))).rejects.toThrow("division by zero");
      expect(await db("rooms").pluck("slug")).toEqual(["lobby"]);
      await db.destroy();
    } finally {
      await host.destroy();
      await bouncer.close();
    }
  }, 30_000);
});
