import pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import { type DatabaseAddress, DEFAULT_SCHEMA, settingsOf } from "../address.ts";
import { MIGRATIONS_TABLE } from "../former-schema.ts";
import { KNOWN_MIGRATIONS } from "../migrate.ts";
import { pinSettings } from "../pool/session-settings.ts";
import { StartError } from "../start-error.ts";
import {
  BACKUP_FORMAT,
  type BackupHeader,
  type BackupTable,
  countLines,
  writeEnd,
  writeHeader,
  writeTable,
} from "./backup-file.ts";
import { readOwnNames } from "./own-tables.ts";

/**
 * Options of a backup. `onEvents` gets the number of events that were written since it was last
 * called.
 */
export type BackupOptions = {
  /** The version of this chattera. */
  version: string;
  /** The schema that has our tables. */
  schema?: string;
  onStart?(header: BackupHeader): void;
  onEvents?(count: number): void;
};

/**
 * Yields a backup of a database, uncompressed: all tables as they are at one moment.
 * Nodes may go on meanwhile. Throws a StartError if there is nothing to back up.
 */
export async function* backup(address: DatabaseAddress, options: BackupOptions): AsyncGenerator<Buffer> {
  const { onStart, onEvents } = options;
  const client = new pg.Client({ application_name: "chattera backup", keepAlive: true, ...settingsOf(address) });
  // A lost connection fails the statement that waits for it.
  client.on("error", () => undefined);
  await client.connect();
  try {
    // A transaction must not end because the file is written slowly.
    await client.query(pinSettings(0));
    await client.query("begin isolation level repeatable read read only");
    const header = await describeDatabase(client, options);
    onStart?.(header);
    yield writeHeader(header);
    for (const table of header.tables) {
      const rows = client.query(copyTo(`copy ${spell(table)} to stdout`)) as AsyncIterable<Buffer>;
      yield* writeTable(table.name, table.name === "events" && onEvents ? counted(rows, onEvents) : rows);
    }
    yield writeEnd();
    await client.query("commit");
  } finally {
    await client.end();
  }
}

/** Returns a table and its columns as COPY takes them. */
export function spell({ name, columns }: BackupTable): string {
  return `${pg.escapeIdentifier(name)} (${columns.map(pg.escapeIdentifier).join(", ")})`;
}

async function describeDatabase(
  client: pg.Client,
  { version, schema = DEFAULT_SCHEMA }: BackupOptions,
): Promise<BackupHeader> {
  const migrations = await enterSchema(client, schema);
  const [total] = await rowsOf<{ events: string }>(
    client,
    "select coalesce(sum(last_seq - pruned_seq), 0) as events from rooms",
  );
  const { tables: names } = await readOwnNames();
  return {
    chattera: "backup",
    format: BACKUP_FORMAT,
    version,
    madeAt: new Date().toISOString(),
    migrations,
    tables: inOrder(await rowsOf<Table>(client, TABLES, [names.filter((name) => name !== "functions")])),
    counters: await countersOf(client, names),
    events: Number(total?.events ?? 0),
  };
}

/**
 * Has the transaction search in the schema with our tables only, and returns the migrations that it
 * has. Earlier versions had the tables in the first schema of the search path, with the migrations
 * in a table of knex's, which others may use too.
 */
async function enterSchema(client: pg.Client, schema: string): Promise<string[]> {
  const [home] = await rowsOf<{ schema: string; migrations: string }>(client, HOMES, [schema, MIGRATIONS_TABLE]);
  if (home === undefined)
    throw new StartError("This database has no rooms yet, so there is nothing to back up: start chattera first.");
  await client.query("select set_config('search_path', quote_ident($1), true)", [home.schema]);
  const completed = await rowsOf<{ name: string }>(client, `select name from ${home.migrations} order by id`);
  const isOurs = (name: string) => home.migrations === MIGRATIONS_TABLE || KNOWN_MIGRATIONS.includes(name);
  return completed.map(({ name }) => name).filter(isOurs);
}

const HOMES = `
  select schema, migrations
  from (values ($1, $2, 1), (current_schema(), 'knex_migrations', 2), ('public', 'knex_migrations', 3))
    as homes (schema, migrations, place)
  where to_regclass(format('%I.%I', schema, migrations)) is not null
    and to_regclass(format('%I.events', schema)) is not null
  order by place limit 1`;

/** A table with the names of the tables that its foreign keys refer to. */
type Table = BackupTable & { needs: string[] };

/** Unlogged tables are left out: PostgreSQL itself forgets them at a crash. */
const TABLES = `
  select relname::text as name,
    array(
      select attname::text from pg_attribute a
      where a.attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '' order by attnum
    ) as columns,
    array(
      select distinct o.relname::text from pg_constraint f join pg_class o on o.oid = f.confrelid
      where f.conrelid = c.oid and f.contype = 'f' and f.confrelid <> c.oid
    ) as needs
  from pg_class c
  where relnamespace = current_schema()::regnamespace and relkind = 'r' and relpersistence = 'p'
    and relname = any($1)
  order by relname collate "C"`;

/** Returns the tables in an order in which each comes after those that it refers to. */
function inOrder(tables: Table[]): BackupTable[] {
  const sorted: BackupTable[] = [];
  let waiting = tables;
  while (waiting.length > 0) {
    const isReady = ({ needs }: Table) => needs.every((need) => sorted.some(({ name }) => name === need));
    const ready = waiting.filter(isReady);
    if (ready.length === 0) throw new Error(`circle of foreign keys: ${waiting.map(({ name }) => name)}`);
    sorted.push(...ready.map(({ name, columns }) => ({ name, columns })));
    waiting = waiting.filter((table) => !ready.includes(table));
  }
  return sorted;
}

async function countersOf(client: pg.Client, tables: string[]): Promise<BackupHeader["counters"]> {
  const columns = await rowsOf<{ table: string; column: string; sequence: string }>(
    client,
    `select relname::text as table, attname::text as column,
       pg_get_serial_sequence(quote_ident(relname), attname) as sequence
     from pg_attribute join pg_class c on c.oid = attrelid
     where c.relnamespace = current_schema()::regnamespace and attnum > 0 and not attisdropped
       and relname = any($1) and relkind = 'r' and pg_get_serial_sequence(quote_ident(relname), attname) is not null`,
    [tables],
  );
  const counters: BackupHeader["counters"] = [];
  for (const { table, column, sequence } of columns) {
    const [counter] = await rowsOf<{ last: string | null }>(
      client,
      `select case when is_called then last_value end as last from ${sequence}`,
    );
    if (counter?.last != null) counters.push({ table, column, last: Number(counter.last) });
  }
  return counters;
}

async function rowsOf<Row extends object = never>(
  client: pg.Client,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  return (await client.query<Row>(sql, values)).rows;
}

async function* counted(rows: AsyncIterable<Buffer>, onEvents: (count: number) => void): AsyncGenerator<Buffer> {
  for await (const part of rows) {
    onEvents(countLines(part));
    yield part;
  }
}
