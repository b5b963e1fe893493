import type { Knex } from "knex";
import { execute, rowsOf } from "./pool/statement.ts";

/** The table of the completed migrations. Knex's own default name may be the host's. */
export const MIGRATIONS_TABLE = "chattera_migrations";

/**
 * The tables before 2026-12, in the order in which appends lock them. They were in the first schema
 * of the search path, which is `public` in most databases.
 */
const FORMER_TABLES = [
  ...["rooms", "members", "events", "freed_names", "watchers", "revocations", "functions", "log"],
  ...["bans", "reports", "moderation", "switches", "operator_links", "sightings", "unheard", "activity"],
  ...["roles", "password_grants", "room_visits"],
];

/** The schema with an earlier version's tables, and the migrations that it completed, in order. */
export type FormerHome = { schema: string; completed: string[] };

/**
 * Returns where an earlier version keeps its tables, with knex's default table of migrations;
 * `undefined` if there is none. `migrations` are the names of ours. Others are the host's.
 */
export async function findFormerHome(tx: Knex, migrations: string[]): Promise<FormerHome | undefined> {
  const schemas = await rowsOf<{ name: string }>(tx, SCHEMAS_WITH_LOGS);
  for (const { name: schema } of schemas) {
    const rows = await tx("knex_migrations").withSchema(schema).whereIn("name", migrations).orderBy("id");
    const completed = rows.map(({ name }: { name: string }) => name);
    if (completed.length > 0) return { schema, completed };
  }
  return undefined;
}

/** The schemas of a session's search path, as it was before ours was set, and `public`. */
const SCHEMAS_WITH_LOGS = `
  with path as (
    select part, place from pg_settings
    cross join unnest(string_to_array(reset_val, ',')) with ordinality as parts (part, place)
    where name = 'search_path'
  ), named as (
    select case trim(part) when '"$user"' then current_user else trim(both '" ' from part) end as name, place from path
    union all select 'public', 1000
  )
  select name from named join pg_namespace on nspname = name
  where to_regclass(format('%I.knex_migrations', name)) is not null
    and to_regclass(format('%I.events', name)) is not null
  group by name order by min(place)`;

/**
 * Moves the tables and functions of an earlier version into `schema`, and their migrations into our
 * own table, within the transaction `tx`.
 *
 * Nodes of that version may still run. Their statements wait for the locks and then find no table,
 * so nothing is stored twice or halfway, and clients keep their messages until they reach a new
 * node. Such a node would make new, empty tables when it starts again. A row in knex's table that
 * it does not know ends its start with a sentence instead, so one is left unless the host has some.
 */
export async function moveFormer(
  tx: Knex.Transaction,
  { former, schema, functions }: { former: FormerHome; schema: string; functions: string[] },
): Promise<void> {
  // It creates the table.
  await tx.migrate.currentVersion({ tableName: MIGRATIONS_TABLE });
  if (former.schema !== schema) await moveTables(tx, { from: former.schema, to: schema, functions });
  await execute(
    tx,
    `insert into ${MIGRATIONS_TABLE} (name, batch, migration_time)
     select name, batch, migration_time from ${quoted(former.schema)}.knex_migrations
     where name = any(?::text[]) order by id`,
    [former.completed],
  );
  const theirs = tx("knex_migrations").withSchema(former.schema);
  await theirs.clone().whereIn("name", former.completed).delete();
  if ((await theirs.clone().limit(1)).length > 0) return;
  await theirs.clone().insert({ name: `chattera_is_in_the_schema_${schema}`, batch: 1, migration_time: new Date() });
}

type Move = { from: string; to: string; functions: string[] };

/** A table keeps its number when it moves, so the log stays the same log. */
async function moveTables(tx: Knex.Transaction, { from, to, functions }: Move): Promise<void> {
  const found = await rowsOf<{ name: string }>(
    tx,
    `select name from unnest(?::text[]) with ordinality as tables (name, place)
     where to_regclass(format('%I.%I', ?::text, name)) is not null order by place`,
    [FORMER_TABLES, from],
  );
  const tables = found.map(({ name }) => `${quoted(from)}.${quoted(name)}`);
  await execute(tx, `lock table ${tables.join(", ")} in access exclusive mode`);
  for (const table of tables) await execute(tx, `alter table ${table} set schema ${quoted(to)}`);
  const signatures = await rowsOf<{ signature: string }>(
    tx,
    `select p.oid::regprocedure::text as signature from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = ? and p.proname = any(?::text[])`,
    [from, functions],
  );
  for (const { signature } of signatures) await execute(tx, `alter function ${signature} set schema ${quoted(to)}`);
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
