import type { Knex } from "knex";
import { rowsOf } from "../pool/statement.ts";

/**
 * Figures that the operator of a database should watch. `notificationQueue` is the used part of the
 * queue of notifications, 0 to 1. `oldestSnapshot` is the age, in transactions, of the oldest
 * transaction, snapshot or replication slot that keeps dead rows from being removed. `deadRows` are
 * those of the tables that change most. A figure that the server refuses is `undefined`.
 */
export type DatabaseVitals = {
  notificationQueue: number | undefined;
  oldestSnapshot: number | undefined;
  deadRows: { table: string; rows: number }[] | undefined;
};

/** The tables whose rows are updated all the time. */
const HOT_TABLES = ["rooms", "members", "watchers"];

/**
 * Reads the vitals: some ms, from PostgreSQL's own statistics. Rejects if the database is away.
 * `onRefused` gets the error of each figure that the server refuses.
 */
export async function databaseVitals(db: Knex, onRefused: (error: unknown) => void): Promise<DatabaseVitals> {
  const unlessRefused = <T>(reading: Promise<T>): Promise<T | undefined> =>
    reading.catch((error: unknown) => {
      if (!REFUSED.includes((error as { code?: string }).code ?? "")) throw error;
      onRefused(error);
      return undefined;
    });
  return {
    notificationQueue: await unlessRefused(readNotificationQueue(db)),
    oldestSnapshot: await unlessRefused(readOldestSnapshot(db)),
    deadRows: await unlessRefused(readDeadRows(db)),
  };
}

/**
 * [errcodes] insufficient_privilege, undefined_function, undefined_table, feature_not_supported.
 */
const REFUSED = ["42501", "42883", "42P01", "0A000"];

async function readNotificationQueue(db: Knex): Promise<number> {
  const [row] = await rowsOf<{ usage: number }>(db, "select pg_notification_queue_usage() as usage");
  return row?.usage ?? 0;
}

/**
 * The snapshots of other roles are shown to a role with pg_read_all_stats only. Their transactions
 * that have written are seen without.
 */
async function readOldestSnapshot(db: Knex): Promise<number> {
  const [row] = await rowsOf<{ age: number }>(
    db,
    `select greatest(
       (select max(age(backend_xmin)) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()),
       (select max(age(transaction)) from pg_prepared_xacts where database = current_database()),
       (select max(age(xmin)) from pg_replication_slots),
       age(pg_snapshot_xmin(pg_current_snapshot())::xid)
     ) as age`,
  );
  return row?.age ?? 0;
}

function readDeadRows(db: Knex): Promise<{ table: string; rows: number }[]> {
  return rowsOf<{ table: string; rows: number }>(
    db,
    `select relname as "table", n_dead_tup as rows from pg_stat_user_tables
     where relid = any (select to_regclass(name) from unnest(?::text[]) name) order by relname`,
    [HOT_TABLES],
  );
}
