import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { dumpSchema } from "../../db/dump-schema.ts";
import { applyFunctions, forgetFunctions, readFunctions } from "../../db/functions.ts";
import { readTalk } from "../../db/log/read.ts";
import { migrate, migrationSource } from "../../db/migrate.ts";
import { connect } from "../../db/pool/connect.ts";
import { execute, rowsOf } from "../../db/pool/statement.ts";
import { createDatabase } from "../support/database.ts";

const ROOT = new URL("../../", import.meta.url);
const SCHEMA = await readFile(new URL("db/schema.sql", ROOT), "utf8");
const run = promisify(execFile);

let database: Awaited<ReturnType<typeof createDatabase>>;
let db: Knex;

beforeAll(async () => {
  database = await createDatabase();
  db = connect(database.url);
});

afterAll(async () => {
  await db.destroy();
  await database.drop();
});

describe("the schema of a new database", () => {
  test("is db/schema.sql; if this fails, run `npm run schema`", async () => {
    expect(await dumpSchema(db)).toBe(SCHEMA);
  });

  test("has each function with the text of its file in db/sql, and no other function", async () => {
    const functions = await rowsOf<{ name: string; body: string }>(
      db,
      `select proname as name, prosrc as body from pg_proc
       where pronamespace = current_schema()::regnamespace order by proname`,
    );
    const files = (await readdir(new URL("db/sql/", ROOT))).filter((name) => name.endsWith(".sql")).sort();
    expect(functions.map(({ name }) => `${name}.sql`)).toEqual(files);
    for (const { name, body } of functions)
      expect(await readFile(new URL(`db/sql/${name}.sql`, ROOT), "utf8")).toContain(`$$${body}$$`);
  });

  test("comes from functions whose revision is recorded; if this fails, run `npm run schema`", async () => {
    const recorded = JSON.parse(await readFile(new URL("db/sql/revision.json", ROOT), "utf8"));
    const { revision, sha256 } = await readFunctions();
    expect({ revision, sha256 }).toEqual(recorded);
  });

  test("is the same from dist, to which a build copies the functions", async () => {
    expect(await readFunctions(new URL("dist/db/sql/", ROOT))).toEqual(await readFunctions());
  });
});

describe("the functions of a database", () => {
  beforeEach(() => migrate(database.url));

  test("are replaced once after a change, also by several nodes that start at once", async () => {
    await execute(db, "create table applications (at timestamptz)");
    const { revision } = await readFunctions();
    const changed = { revision, sha256: "changed", text: "insert into applications values (now())" };
    await Promise.all([1, 2, 3, 4].map(() => db.transaction((tx) => applyFunctions(tx, changed))));
    expect(await db("applications").count()).toEqual([{ count: 1 }]);
    expect(await db("functions").select("revision", "sha256")).toEqual([{ revision, sha256: "changed" }]);
    await execute(db, "drop table applications");
    await migrate(database.url);
    const { sha256 } = await readFunctions();
    expect(await db("functions").pluck("sha256")).toEqual([sha256]);
  });

  test("of a newer version stay when a node of this version starts next to it", async () => {
    const { revision } = await readFunctions();
    const distance = () => rowsOf(db, "select color_distance('#000000', '#ffffff') as distance");
    const text = `create or replace function color_distance(one text, other text) returns bigint
      immutable language sql as $$ select 1::bigint $$`;
    await db.transaction((tx) => applyFunctions(tx, { revision: revision + 1, sha256: "newer", text }));
    await migrate(database.url);
    expect(await distance()).toEqual([{ distance: 1 }]);
    await db.transaction(forgetFunctions);
    await migrate(database.url);
    expect(await distance()).toEqual([{ distance: 765 }]);
  });

  test("take over from those of the numbered migrations, while a node of the version before goes on", async () => {
    const lastOfBefore = "20261130000030_rooms_by_number";
    const names = await migrationSource.getMigrations([]);
    const before = names.slice(0, names.indexOf(lastOfBefore) + 1);
    await emptySchema();
    const source = { ...migrationSource, getMigrations: async () => before };
    await db.migrate.latest({ migrationSource: source, tableName: "chattera_migrations" });
    const [{ id }] = (await db("rooms").select("id")) as [{ id: number }];
    await enterAsBefore(id);
    await sayAsBefore(id, "before");
    await migrate(database.url);
    expect(await dumpSchema(db)).toBe(SCHEMA);
    await sayAsBefore(id, "after");
    const { events } = await readTalk(db, { roomId: id, messages: 100 });
    expect(events.map(({ seq, kind, text }) => [seq, kind, text])).toEqual([
      [1, "enter", undefined],
      [2, "message", "before"],
      [3, "message", "after"],
    ]);
  });

  test("are there after `knex migrate:latest` too, and again after a rollback", async () => {
    await emptySchema();
    await knex("migrate:latest");
    expect(await dumpSchema(db)).toBe(SCHEMA);
    expect(await db("functions").count()).toEqual([{ count: 1 }]);
    await knex("migrate:down");
    await knex("migrate:up");
    expect(await db("functions").count()).toEqual([{ count: 1 }]);
    await knex("migrate:rollback", "--all");
    expect((await dumpSchema(db)).match(/^create .*/gm)).toBeNull();
    await knex("migrate:latest");
    expect(await dumpSchema(db)).toBe(SCHEMA);
  }, 60_000);
});

/** Enters a room as a node of the version before does. */
async function enterAsBefore(roomId: number): Promise<void> {
  await execute(
    db,
    `select * from enter_and_append(
      array[?::int], array['ann'], array['Ann'], array['#b3261e'], array[null], array['ann'], array['tag'],
      array[null], array[null], array[null], array[1], array['#b3261e'], 2000,
      '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 'chattera'
    )`,
    [roomId],
  );
}

/** Says something as a node of the version before does. */
async function sayAsBefore(roomId: number, text: string): Promise<void> {
  await execute(
    db,
    `select * from append_events(
      array[?::int], array['message'], array['ann'], array['Ann'], array['#b3261e'], array[null], array[null],
      array[?], array[?], 'chattera'
    )`,
    [roomId, text, `client-${text}`],
  );
}

async function emptySchema(): Promise<void> {
  await execute(db, "drop schema chattera cascade; create schema chattera");
}

async function knex(...command: string[]): Promise<void> {
  const program = fileURLToPath(new URL("node_modules/knex/bin/cli.js", ROOT));
  await run(process.execPath, ["--import", "tsx", program, ...command], {
    cwd: fileURLToPath(ROOT),
    env: { ...process.env, NODE_OPTIONS: "", DATABASE_URL: database.url },
  });
}
