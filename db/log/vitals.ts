import type { Knex } from "knex";
import { rowsOf } from "../pool/statement.ts";

/**
 * Figures that the operator of a database should watch. `notificationQueue` is the used part of the
 * queue of notifications, 0 to 1. `oldestSnapshot` is the age, in transactions, of the oldest
 * snapshot that keeps dead rows from being removed. `deadRows` are those of the tables that change
 * most.
 */
export type DatabaseVitals = {
  notificationQueue: number;
  oldestSnapshot: number;
  deadRows: { table: string; rows: number }[];
};

/** The tables whose rows are updated all the time. */
const HOT_TABLES = ["rooms", "members", "watchers"];

/** Reads the vitals: some ms, from PostgreSQL's own statistics. */
export async function databaseVitals(db: Knex): Promise<DatabaseVitals> {
  const [row] = await rowsOf<Omit<DatabaseVitals, "deadRows">>(
    db,
    `select pg_notification_queue_usage() as "notificationQueue",
       coalesce((select max(age(backend_xmin)) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()), 0) as "oldestSnapshot"`,
  );
  const deadRows = await rowsOf<DatabaseVitals["deadRows"][number]>(
    db,
    `select relname as "table", n_dead_tup as rows from pg_stat_user_tables
     where relid = any (select to_regclass(name) from unnest(?::text[]) name) order by relname`,
    [HOT_TABLES],
  );
  return { ...(row as Omit<DatabaseVitals, "deadRows">), deadRows };
}
