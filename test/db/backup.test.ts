import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { migrate, migrateTo } from "../../db/migrate.ts";
import { connect } from "../../db/pool/connect.ts";
import { backup } from "../../db/transfer/backup.ts";
import { type BackupHeader, readBackup } from "../../db/transfer/backup-file.ts";
import { restore } from "../../db/transfer/restore.ts";
import { createDatabase, databaseUrl, dropDatabase, query, testServer } from "../support/database.ts";

const dropped: (() => Promise<void>)[] = [];
let url: string;

beforeAll(async () => {
  url = await newDatabase();
  await fill(url);
}, 30_000);
afterAll(() => Promise.all(dropped.map((drop) => drop())), 60_000);

test("a restored database has every row of the one that was backed up, under a new epoch", async () => {
  const copy = await emptyDatabase();
  await restoreFrom(copy, await backupOf(url));
  const before = await contentOf(url);
  const after = await contentOf(copy);
  expect(Object.keys(before)).toContain("events");
  for (const [table, rows] of Object.entries(before))
    if (table !== "log") expect([table, after[table]]).toEqual([table, rows]);
  const [log] = before.log as { epoch: string; secret: string }[];
  const [restored] = after.log as { epoch: string; secret: string }[];
  expect(restored?.secret).toBe(log?.secret);
  expect(restored?.epoch).not.toBe(log?.epoch);
  // The next room gets a number that no room had.
  await query(copy, "insert into rooms (slug, title) values ('next', 'Next')");
  expect(await query(copy, "select id from rooms where slug = 'next'")).toEqual([{ id: 4 }]);
  // A node finds nothing to migrate.
  await migrate(copy);
});

test("a backup is the state of one moment, whatever is stored while it is written", async () => {
  const parts = backup(url, { version: "1.0.0" });
  const first = (await parts.next()).value as Buffer;
  await query(url, "insert into rooms (slug, title, last_seq) values ('late', 'Late', 1)");
  await query(url, "update events set text = 'changed' where seq = 1 and room_id = 1");
  const rest: Buffer[] = [];
  for await (const part of parts) rest.push(part);
  const copy = await emptyDatabase();
  await restoreFrom(copy, Buffer.concat([first, ...rest]));
  expect(await query(copy, "select slug from rooms where slug = 'late'")).toEqual([]);
  expect(await query(copy, "select text from events where seq = 1 and room_id = 1")).toEqual([{ text: FIRST_TEXT }]);
  await query(url, "delete from rooms where slug = 'late'");
});

test("a database with rooms is refused, and is replaced if that is asked for", async () => {
  const copy = await newDatabase();
  await query(copy, "insert into rooms (slug, title, last_seq) values ('mine', 'Mine', 7)");
  const file = await backupOf(url);
  await expect(restoreFrom(copy, file)).rejects.toThrow(
    "This database is not empty (rooms: 2, events: 7), so nothing was restored: name an empty one, or add --replace",
  );
  expect(await query(copy, "select slug from rooms where slug = 'mine'")).toEqual([{ slug: "mine" }]);
  await restoreFrom(copy, file, true);
  expect((await query(copy, "select slug from rooms order by id")).map(({ slug }) => slug)).toContain("cake");
  expect(await query(copy, "select slug from rooms where slug = 'mine'")).toEqual([]);
});

test("other tables in the database are neither backed up nor replaced", async () => {
  const copy = await newDatabase();
  await query(copy, "create table of_another_app (word text)");
  await query(copy, "insert into of_another_app values ('kept')");
  await restoreFrom(copy, await backupOf(url), true);
  expect(await query(copy, "select word from of_another_app")).toEqual([{ word: "kept" }]);
  expect((await backupOf(copy)).includes("of_another_app")).toBe(false);
});

test.each([
  [
    "changed",
    (file: Buffer) => Buffer.from(file.toString("latin1").replace("kept forever", "kept FOREVER"), "latin1"),
    /is damaged \(events/,
  ],
  ["cut off inside a table", (file: Buffer) => file.subarray(0, file.indexOf("kept forever")), /ends too early/],
  ["cut off at its end", (file: Buffer) => file.subarray(0, file.lastIndexOf('{"isComplete')), /ends too early/],
  ["something else", () => Buffer.from("hello\n"), /is not a backup of chattera/],
])("a file that is %s changes nothing", async (_what, change, message) => {
  const copy = await newDatabase();
  await query(copy, "insert into rooms (slug, title) values ('mine', 'Mine')");
  const file = change(await backupOf(url));
  await expect(restoreFrom(copy, file, true)).rejects.toThrow(message);
  expect(await query(copy, "select slug from rooms where slug = 'mine'")).toEqual([{ slug: "mine" }]);
});

test("a backup of a newer format or a newer schema is refused in one sentence", async () => {
  const copy = await emptyDatabase();
  const newer = changeHeader(await backupOf(url), (header) => ({ ...header, format: 2, version: "9.0.0" }));
  await expect(restoreFrom(copy, newer)).rejects.toThrow(
    "site.backup has format 2, which chattera 9.0.0 wrote and this chattera cannot read: restore it with that version or a newer one.",
  );
  const later = changeHeader(await backupOf(url), (header) => ({
    ...header,
    migrations: [...header.migrations, "20991231000000_later"],
  }));
  await expect(restoreFrom(copy, later)).rejects.toThrow("a newer chattera (20991231000000_later)");
  expect(await query(copy, "select to_regclass('rooms') as rooms")).toEqual([{ rooms: null }]);
});

test("a backup of an older chattera is restored and brought up to date", async () => {
  const old = await emptyDatabase();
  // Earlier versions had their tables in the schema public, and the migrations in a table of
  // knex's.
  const db = connect(old, { poolMax: 1, schema: "public" });
  const migrations = (await query(url, "select name from chattera_migrations order by id")).map(({ name }) =>
    String(name),
  );
  const former = migrations.slice(0, migrations.indexOf("20261130000050_messages_of_rooms"));
  await db.transaction((tx) => migrateTo(tx, former));
  await db.destroy();
  await query(old, "alter table chattera_migrations rename to knex_migrations");
  await query(old, "insert into knex_migrations (name, batch, migration_time) values ('of_the_host', 1, now())");
  await query(old, "update rooms set last_seq = 1");
  await query(
    old,
    `insert into events (room_id, seq, kind, member_id, nickname, color, text, at)
     values (1, 1, 'message', 'm', 'ann', '#0b57d0', 'long ago', now())`,
  );
  await query(old, "insert into log (epoch, fingerprint, secret) values ('abcdef', '', 'a-secret')");
  const copy = await emptyDatabase();
  await restoreFrom(copy, await backupOf(old));
  expect(await query(copy, "select text, change from events")).toEqual([{ text: "long ago", change: null }]);
  expect((await query(copy, "select name from chattera_migrations order by id")).map(({ name }) => name)).toEqual(
    migrations,
  );
  await migrate(copy);
});

const FIRST_TEXT = "a tab\tand a line\nand a \\N and \\. and 日本語 🦉";

/** Stores rooms, members and events with characters that COPY has to escape. */
async function fill(target: string): Promise<void> {
  const db = connect(target, { poolMax: 1 });
  // The migrations have made the lobby.
  await db("rooms").where({ slug: "lobby" }).update({ last_seq: 2 });
  await db("rooms").insert([
    { slug: "tea", title: "茶\t室", public: false },
    { slug: "cake", title: "Cake" },
  ]);
  const member = { member_id: "m-1", nickname: "ann\\", color: "#0b57d0" };
  const event = { ...member, room_id: 1, kind: "message", at: new Date("2026-11-30T01:02:03.004Z") };
  await db("events").insert([
    { ...event, seq: 1, text: FIRST_TEXT, client_id: "client-1" },
    { ...event, seq: 2, text: "kept forever", client_id: null },
  ]);
  await db("members").insert({ ...member, room_id: 1, look: "ann" });
  await db("log").insert({ epoch: "abcdef", fingerprint: "here", secret: "a-secret" });
  await db.destroy();
}

async function backupOf(source: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of backup(source, { version: "1.0.0" })) parts.push(part);
  return Buffer.concat(parts);
}

async function restoreFrom(target: string, file: Buffer, replaces = false): Promise<void> {
  // Parts of an odd length cut lines and blocks anywhere.
  const parts = Array.from({ length: Math.ceil(file.length / 61) }, (_, n) => file.subarray(n * 61, n * 61 + 61));
  await restore(target, await readBackup("site.backup", Readable.from(parts)), { replaces });
}

function changeHeader(file: Buffer, change: (header: BackupHeader) => BackupHeader): Buffer {
  const end = file.indexOf("\n");
  const header = change(JSON.parse(file.toString("utf8", 0, end)) as BackupHeader);
  return Buffer.concat([Buffer.from(JSON.stringify(header)), file.subarray(end)]);
}

/** Returns the rows of all tables, except those that describe the schema. */
async function contentOf(target: string): Promise<{ [table: string]: unknown[] }> {
  const tables = await query(
    target,
    `select relname as name from pg_class where relnamespace = 'chattera'::regnamespace and relkind = 'r'
       and relpersistence = 'p' and relname not like '%migrations%' and relname <> 'functions'`,
  );
  const content: { [table: string]: unknown[] } = {};
  for (const { name } of tables)
    content[String(name)] = (await query(target, `select to_jsonb(t) as row from ${name} t order by 1`)).map(
      ({ row }) => row,
    );
  return content;
}

async function newDatabase(): Promise<string> {
  const { url: made, drop } = await createDatabase();
  dropped.push(drop);
  return made;
}

/** Creates a database without tables. */
async function emptyDatabase(): Promise<string> {
  const name = `chattera_test_${randomUUID().replaceAll("-", "")}`;
  await query(testServer().url, `create database ${name}`);
  dropped.push(() => dropDatabase(testServer().url, name));
  return databaseUrl(testServer().url, name);
}
