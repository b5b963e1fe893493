import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Knex } from "knex";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { type DatabaseAddress, DEFAULT_SCHEMA } from "../address.ts";
import { MIGRATIONS_TABLE } from "../former-schema.ts";
import { openLog } from "../log/log.ts";
import { migrateTo, migrateWithin, openSchema } from "../migrate.ts";
import { assertUsable } from "../pool/check-database.ts";
import { connect } from "../pool/connect.ts";
import { execute, rowsOf } from "../pool/statement.ts";
import { StartError } from "../start-error.ts";
import { spell } from "./backup.ts";
import { type BackupHeader, type BackupReader, countLines } from "./backup-file.ts";
import { readOwnNames } from "./own-tables.ts";

/** Options of a restore. */
export type RestoreOptions = {
  /** The schema that has our tables. */
  schema?: string;
  /** Deletes what the database holds. Otherwise a database with events is refused. */
  replaces?: boolean;
  onStart?(header: BackupHeader): void;
  /** Gets the number of events that were read since it was last called. */
  onEvents?(count: number): void;
};

/** A restore of a large site takes minutes. */
const TIMEOUT_MS = 24 * 3_600_000;

/**
 * Restores a backup into a database, in one transaction: either all of it is there
 * afterwards, or nothing has changed. The tables are made as they were when the backup was made,
 * and then brought up to date. The log gets a new epoch, so that every reader gets a reset. Throws
 * a StartError if the database is not empty, or if the backup is damaged or from a newer chattera.
 */
export async function restore(
  address: DatabaseAddress,
  source: BackupReader,
  options: RestoreOptions = {},
): Promise<void> {
  const db = connect(address, { poolMax: 1, timeoutMs: TIMEOUT_MS, ...(options.schema && { schema: options.schema }) });
  try {
    await assertUsable(db);
    options.onStart?.(source.header);
    await db.transaction((tx) => restoreWithin(tx, source, options));
    // Without numbers, the planner would take every table for empty.
    await execute(db, "analyze");
  } finally {
    await db.destroy();
  }
}

async function restoreWithin(tx: Knex.Transaction, source: BackupReader, options: RestoreOptions): Promise<void> {
  const { header } = source;
  await openSchema(tx, options.schema ?? DEFAULT_SCHEMA);
  await requireEmpty(tx, options.replaces ?? false);
  await dropEverything(tx);
  await migrateTo(tx, header.migrations);
  // A migration may have stored rows.
  await execute(tx, `truncate ${header.tables.map(({ name }) => pg.escapeIdentifier(name)).join(", ")}`);
  for (const table of header.tables) {
    const rows = source.rowsOf(table);
    await copyInto(tx, spell(table), table.name === "events" ? counted(rows, options.onEvents) : rows);
  }
  await source.end();
  for (const { table, column, last } of header.counters)
    await execute(tx, "select setval(pg_get_serial_sequence(?, ?), ?)", [pg.escapeIdentifier(table), column, last]);
  await migrateWithin(tx);
  await execute(tx, "update log set fingerprint = ''");
  await openLog(tx);
}

async function requireEmpty(tx: Knex.Transaction, replaces: boolean): Promise<void> {
  const [table] = await rowsOf<{ exists: boolean }>(tx, "select to_regclass('rooms') is not null as exists");
  if (!table?.exists || replaces) return;
  const [{ rooms, events } = { rooms: 0, events: 0 }] = await rowsOf<{ rooms: number; events: number }>(
    tx,
    "select count(*) as rooms, coalesce(sum(last_seq), 0)::bigint as events from rooms",
  );
  // The migrations themselves make a room.
  if (events === 0) return;
  throw new StartError(
    `This database is not empty (rooms: ${rooms}, events: ${events}), so nothing was restored: name an empty one, or ` +
      "add --replace to delete all that it holds.",
  );
}

/** Drops chattera's own tables and functions, which are made again as the backup has them. */
async function dropEverything(tx: Knex.Transaction): Promise<void> {
  const { tables, functions } = await readOwnNames();
  for (const name of [...tables, MIGRATIONS_TABLE, `${MIGRATIONS_TABLE}_lock`])
    await execute(tx, `drop table if exists ${pg.escapeIdentifier(name)} cascade`);
  const found = await rowsOf<{ signature: string }>(
    tx,
    `select oid::regprocedure::text as signature from pg_proc
     where pronamespace = current_schema()::regnamespace and proname = any(?::text[])`,
    [functions],
  );
  for (const { signature } of found) await execute(tx, `drop function if exists ${signature} cascade`);
}

async function copyInto(tx: Knex.Transaction, target: string, rows: AsyncIterable<Buffer>): Promise<void> {
  const connection = (await tx.client.acquireConnection()) as pg.Client;
  await pipeline(Readable.from(rows, { objectMode: false }), connection.query(copyFrom(`copy ${target} from stdin`)));
}

async function* counted(rows: AsyncIterable<Buffer>, onEvents?: (count: number) => void): AsyncGenerator<Buffer> {
  for await (const part of rows) {
    onEvents?.(countLines(part));
    yield part;
  }
}
