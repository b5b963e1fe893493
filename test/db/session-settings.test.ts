import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { migrate } from "../../db/migrate.ts";
import { connect } from "../../db/pool/connect.ts";
import { listen } from "../../db/pool/listen.ts";
import { rowsOf } from "../../db/pool/statement.ts";
import { StartError } from "../../db/start-error.ts";
import { openNode, person, say, type TestNode } from "../support/app.ts";
import { createDatabase, databaseUrl, dropDatabase, query, testServer } from "../support/database.ts";
import { HAS_PGBOUNCER, openPgBouncer } from "../support/pgbouncer.ts";

/** Settings that an administrator, a hosting company or an old dump may have given a database. */
const FOREIGN: { [name: string]: string } = {
  datestyle: "German",
  intervalstyle: "sql_standard",
  default_transaction_isolation: "repeatable read",
  default_transaction_deferrable: "on",
  array_nulls: "off",
  standard_conforming_strings: "off",
  transform_null_equals: "on",
  synchronous_commit: "off",
  bytea_output: "escape",
  extra_float_digits: "-3",
  timezone: "Asia/Tokyo",
  statement_timeout: "50ms",
  lock_timeout: "1ms",
  idle_session_timeout: "200ms",
};

let database: Awaited<ReturnType<typeof createDatabase>>;

beforeEach(async () => {
  database = await createDatabase();
  const name = new URL(database.url).pathname.slice(1);
  for (const [setting, value] of Object.entries(FOREIGN))
    await query(testServer().url, `alter database ${name} set ${setting} = '${value}'`);
});
afterEach(() => database?.drop());

describe("in a database whose sessions begin with other settings", () => {
  let node: TestNode;
  beforeEach(async () => {
    node = await openNode(database.url);
  });
  afterEach(() => node?.close());

  test("a message is stored, answered and read as elsewhere", async () => {
    const ann = await person(node.url, "Ann");
    const said = await say(node.url, ann, "It's a \\ and a 'quote'");
    const page = (await (await fetch(`${node.url}/api/rooms/lobby/messages`)).json()) as { events: object[] };
    expect(page.events.at(-1)).toMatchObject({ text: "It's a \\ and a 'quote'" });
    expect(said).toBeDefined();
  });

  test("sixteen people who speak at once are all stored", async () => {
    const people = await Promise.all(Array.from({ length: 16 }, (_, n) => person(node.url, `P${n}`)));
    const bursts = people.map(async (one, n) => {
      for (let i = 0; i < 5; i++) await say(node.url, one, `${n} says ${i}`);
    });
    await Promise.all(bursts);
    const rows = await query(database.url, "select count(*)::int as count from events where kind = 'message'");
    expect(rows).toEqual([{ count: 80 }]);
  });
});

test("every connection of the pool has the settings that the statements need", async () => {
  const db = connect(database.url);
  const rows = await rowsOf<{ name: string; setting: string }>(
    db,
    `select name, setting from pg_settings where name in ('${Object.keys(FOREIGN).join("','")}') and source = 'database'`,
  );
  await db.destroy();
  expect(rows).toEqual([]);
});

test("a listener stays connected although sessions that are idle are ended", async () => {
  const ended: unknown[] = [];
  const listener = await listen(database.url, {
    channels: ["one"],
    onNotification: () => undefined,
    onEnd: (error) => ended.push(error),
  });
  const db = connect(database.url);
  const others = () =>
    rowsOf<{ pid: number }>(
      db,
      "select pid from pg_stat_activity where application_name = 'chattera listener' and datname = current_database()",
    );
  // Sessions without the pinned setting end after 200 ms.
  await db.raw("select pg_sleep(1)");
  expect(await others()).toHaveLength(1);
  expect(ended).toEqual([]);
  await db.destroy();
  await listener.close();
});

describe("in a session whose transactions conflict", () => {
  let db: Knex | undefined;
  afterEach(() => db?.destroy());

  test("a statement is repeated until it succeeds", async () => {
    const pool = connect(database.url, { poolMax: 8 });
    db = pool;
    await pool.raw("create table counter (n int)");
    await pool.raw("insert into counter values (0)");
    const isolated = async () => {
      const conflict = "select set_config('default_transaction_isolation', 'repeatable read', false)";
      await rowsOf(pool, conflict);
      await rowsOf(pool, "update counter set n = n + (select 1 from pg_sleep(0.01)) returning n");
    };
    await Promise.all(Array.from({ length: 8 }, isolated));
    expect(await rowsOf<{ n: number }>(pool, "select n from counter")).toEqual([{ n: 8 }]);
  });
});

test.each(["LATIN1", "EUC_JP", "SQL_ASCII"])(
  "a database with the encoding %s is refused in one sentence, and stays empty",
  async (encoding) => {
    const name = `chattera_test_${randomUUID().replaceAll("-", "")}`;
    const server = testServer().url;
    const [row] = await query(server, "select current_setting('server_version_num')::int as version");
    const libc = Number(row?.version) >= 150_000 ? "locale_provider libc" : "";
    await query(
      server,
      `create database ${name} encoding '${encoding}' template template0 ${libc} lc_collate 'C' lc_ctype 'C'`,
    );
    try {
      const url = databaseUrl(server, name);
      await expect(migrate(url)).rejects.toThrow(StartError);
      await expect(migrate(url)).rejects.toThrow(`has the encoding ${encoding}`);
      expect(await query(url, "select relname from pg_class where relname = 'rooms'")).toEqual([]);
    } finally {
      await dropDatabase(server, name);
    }
  },
);

(HAS_PGBOUNCER ? test : test.skip)(
  "behind a pooler, which would mix sessions, such settings are refused with the statements that cure them",
  async () => {
    const bouncer = await openPgBouncer(database.url);
    try {
      const refusal = (await migrate(bouncer.url).catch((error: unknown) => error)) as StartError;
      expect(refusal).toBeInstanceOf(StartError);
      expect(refusal.message).toContain("set default_transaction_isolation = 'read committed';");
      // The role's own setting in this database comes first, so the cure must be one, too.
      const name = new URL(database.url).pathname.slice(1);
      const isolation = "default_transaction_isolation = 'serializable'";
      await query(testServer().url, `alter role current_user in database ${name} set ${isolation}`);
      await query(testServer().url, /run (alter role .*;) and/.exec(refusal.message)?.[1] as string);
    } finally {
      await bouncer.close();
    }
    const again = await openPgBouncer(database.url);
    await migrate(again.url).finally(() => again.close());
  },
);
