import type { Knex } from "knex";
import { rowsOf } from "./pool/statement.ts";

const HEADER = `-- The schema of a new database. \`npm run schema\` writes this file, and a test compares it.
-- The text of the functions is in sql/. The tables of knex are left out.
`;

/**
 * Returns the tables, indexes and functions of a database as SQL that is the same on every version
 * of PostgreSQL. Functions come without their text.
 */
export async function dumpSchema(db: Knex): Promise<string> {
  const tables = await rowsOf<Table>(db, TABLES);
  const texts: string[] = [];
  for (const table of tables) texts.push(await tableText(db, table));
  const functions = await rowsOf<{ text: string }>(db, FUNCTIONS);
  return [HEADER, ...texts, ...functions.map(({ text }) => `${text};\n`)].join("\n");
}

type Table = { oid: number; name: string; persistence: string; options: string | null };

async function tableText(db: Knex, { oid, name, persistence, options }: Table): Promise<string> {
  const columns = await rowsOf<{ text: string }>(db, COLUMNS, [oid]);
  const constraints = await rowsOf<{ text: string }>(db, CONSTRAINTS, [oid]);
  const indexes = await rowsOf<{ text: string }>(db, INDEXES, [oid]);
  const lines = [...columns, ...constraints].map(({ text }) => `  ${text}`).join(",\n");
  const kind = persistence === "u" ? "create unlogged table" : "create table";
  const end = options === null ? ");" : `) with (${options});`;
  return [`${kind} ${name} (`, lines, end, ...indexes.map(({ text }) => `${text};`), ""].join("\n");
}

const TABLES = `
  select oid::int, relname as name, relpersistence as persistence,
    array_to_string(reloptions, ', ') as options
  from pg_class
  where relnamespace = current_schema()::regnamespace and relkind = 'r' and relname not like 'chattera_migrations%'
  order by relname collate "C"`;

const COLUMNS = `
  select concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
    case when a.attnotnull then 'not null' end,
    case a.attidentity when 'a' then 'generated always as identity' end,
    'default ' || pg_get_expr(d.adbin, d.adrelid)) as text
  from pg_attribute a
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = ? and a.attnum > 0 and not a.attisdropped
  order by a.attnum`;

/** Since version 18, PostgreSQL has a constraint for each \`not null\` too. */
const CONSTRAINTS = `
  select 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) as text
  from pg_constraint
  where conrelid = ? and contype in ('p', 'u', 'f', 'c')
  order by contype = 'p' desc, conname collate "C"`;

const INDEXES = `
  select replace(pg_get_indexdef(i.indexrelid), ' ON ' || current_schema() || '.', ' ON ') as text
  from pg_index i
  where i.indrelid = ? and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
  order by i.indexrelid::regclass::text collate "C"`;

const FUNCTIONS = `
  select concat_ws(E'\\n  ',
    'create function ' || p.proname || '(' || pg_get_function_arguments(p.oid) || ')',
    'returns ' || pg_get_function_result(p.oid),
    concat_ws(' ', 'language', l.lanname,
      case p.provolatile when 'i' then 'immutable' when 's' then 'stable' end,
      case when p.proretset then 'rows ' || p.prorows end),
    (select string_agg('set ' || setting, E'\\n  ' order by n)
     from unnest(p.proconfig) with ordinality as s (setting, n)),
    'as ''sql/' || p.proname || '.sql''') as text
  from pg_proc p
  join pg_language l on l.oid = p.prolang
  where p.pronamespace = current_schema()::regnamespace
  order by p.proname collate "C", pg_get_function_arguments(p.oid) collate "C"`;
