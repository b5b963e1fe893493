import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { compareProgress, openLog, refusedFunctions, unsafeSettings } from "../../db/log/log.ts";
import { migrate, migrationSource } from "../../db/migrate.ts";
import { connect } from "../../db/pool/connect.ts";
import { createDatabase } from "../support/database.ts";
import { HAS_PGBOUNCER, openPgBouncer } from "../support/pgbouncer.ts";

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

describe("the log", () => {
  test("is migrated by four nodes at once as by one", async () => {
    await db.raw("drop schema chattera cascade");
    await Promise.all([1, 2, 3, 4].map(() => migrate(database.url)));
    expect(await db("rooms").pluck("slug")).toEqual(["lobby"]);
    const migrations = await migrationSource.getMigrations([]);
    expect(migrations[0]).toBe("20261122000001_rooms_events_members");
    expect(await db("chattera_migrations").orderBy("id").pluck("name")).toEqual(migrations);
  });

  (HAS_PGBOUNCER ? test : test.skip)(
    "is migrated by four nodes at once that share one connection, and those that wait say so",
    async () => {
      await db.raw("drop schema chattera cascade");
      const bouncer = await openPgBouncer(database.url, 1);
      const lines: string[] = [];
      try {
        await Promise.all([1, 2, 3, 4].map(() => migrate(bouncer.url, (line) => lines.push(line))));
      } finally {
        await bouncer.close();
      }
      expect(await db("rooms").pluck("slug")).toEqual(["lobby"]);
      expect(lines.filter((line) => line !== "Waiting for another chattera, which is migrating the database.")).toEqual(
        [],
      );
    },
    30_000,
  );

  test("is migrated although knex's lock was left set", async () => {
    await db("chattera_migrations_lock").update({ is_locked: 1 });
    await db.raw("delete from functions");
    await migrate(database.url);
    expect(await db("functions").select("revision")).toHaveLength(1);
  });

  test("waits for the node that is migrating, without a transaction of its own", async () => {
    await db.raw("delete from functions");
    let waiting: Promise<void> | undefined;
    await db.transaction(async (other) => {
      await other.raw("select pg_advisory_xact_lock(?)", [0x63686174]);
      await new Promise<void>((resolve) => {
        waiting = migrate(database.url, () => resolve());
      });
      const held = await other.raw(
        "select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state = 'idle in transaction'",
      );
      expect(held.rows).toEqual([]);
    });
    await waiting;
    expect(await db("functions").select("revision")).toHaveLength(1);
  });

  test("is refused if a newer chattera has migrated it", async () => {
    const row = { name: "20990101000001_of_tomorrow", batch: 9, migration_time: new Date() };
    await db("chattera_migrations").insert(row);
    await expect(migrate(database.url)).rejects.toThrow("migrated by a newer chattera (20990101000001_of_tomorrow)");
    await db("chattera_migrations").where({ name: row.name }).delete();
    await migrate(database.url);
  });

  test("has one identity for all nodes that open it at once, with a secret of its own", async () => {
    const logs = await Promise.all(Array.from({ length: 5 }, () => openLog(db)));
    expect(new Set(logs.map((log) => JSON.stringify(log))).size).toBe(1);
    expect(logs[0]).toEqual({
      epoch: expect.stringMatching(/^[a-z0-9]{6}$/),
      secret: expect.stringMatching(/^.{43}$/),
      upgradedAt: expect.any(Number),
    });
  });

  test("has another epoch and the same secret after its table was created again, as by a restored dump", async () => {
    const before = await openLog(db);
    await db.raw("create table copy (like events including all); drop table events; alter table copy rename to events");
    const after = await openLog(db);
    expect(after.epoch).not.toBe(before.epoch);
    expect(after.secret).toBe(before.secret);
  });

  test("keeps its epoch while a managed server refuses functions, and after it allows them again", async () => {
    const { epoch } = await openLog(db);
    const name = new URL(database.url).pathname.slice(1);
    await db.raw(`alter database ${name} set search_path = chattera, pg_catalog`);
    await refuse("pg_control_system()", "table (system_identifier bigint)");
    await refuse("pg_walfile_name(pg_lsn)", "text");
    // The options in the URL of an embedded database come before those of the database.
    const other = connect(database.url.replace(/\?.*/, ""));
    expect((await openLog(other)).epoch).toBe(epoch);
    expect(refusedFunctions(other)).toEqual(["pg_control_system()", "pg_walfile_name() and pg_current_wal_lsn()"]);
    // The other parts are enough to notice a dump that was restored.
    await other.raw(
      "create table copy (like events including all); drop table events; alter table copy rename to events",
    );
    const restored = await openLog(other);
    expect(restored.epoch).not.toBe(epoch);
    await db.raw("drop function chattera.pg_control_system(); drop function chattera.pg_walfile_name(pg_lsn)");
    expect((await openLog(db)).epoch).toBe(restored.epoch);
    expect(refusedFunctions(db)).toEqual([]);
    expect((await openLog(other)).epoch).toBe(restored.epoch);
    await other.destroy();
    await db.raw(`alter database ${name} reset search_path`);
  });

  test("is compared by its rooms where a managed server does not say how far its WAL is, also within a transaction", async () => {
    const { epoch } = await openLog(db);
    await db.raw(`alter database ${new URL(database.url).pathname.slice(1)} set search_path = chattera, pg_catalog`);
    await refuse("pg_current_wal_flush_lsn()", "pg_lsn");
    const other = connect(database.url.replace(/\?.*/, ""));
    await other.transaction(async (tx) => {
      expect((await openLog(tx)).epoch).toBe(epoch);
      expect(refusedFunctions(tx)).toEqual(["pg_current_wal_flush_lsn()"]);
    });
    await openLog(other);
    const lobby = await other("rooms").where({ slug: "lobby" }).first("id", "last_seq");
    const compare = (head: number) =>
      compareProgress(other, { heads: new Map([[lobby.id, head]]), flushed: undefined });
    expect(await compare(lobby.last_seq)).toEqual({ hasGoneBack: false, flushed: undefined });
    expect(await compare(lobby.last_seq + 1)).toEqual({ hasGoneBack: true, flushed: undefined });
    await other.destroy();
    await db.raw("drop function chattera.pg_current_wal_flush_lsn()");
    await db.raw(`alter database ${new URL(database.url).pathname.slice(1)} reset search_path`);
  });

  test("names the settings that can lose acknowledged messages", async () => {
    expect(await unsafeSettings(db)).toEqual([]);
    const other = connect(database.url, { poolMax: 1 });
    await other.raw("set synchronous_commit = off");
    expect(await unsafeSettings(other)).toEqual(["synchronous_commit"]);
    await other.destroy();
  });
});

/** Has a function refuse, as those of managed servers do, for sessions that search here first. */
async function refuse(signature: string, result: string): Promise<void> {
  await db.raw(
    `create function chattera.${signature} returns ${result} language plpgsql
     as 'begin raise exception ''refused'' using errcode = ''42501''; end'`,
  );
}
