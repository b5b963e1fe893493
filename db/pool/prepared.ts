import { createHash } from "node:crypto";
import type { Knex } from "knex";
import { repeated } from "./statement.ts";

/**
 * A statement of the hot path, and the name under which each connection keeps it parsed and
 * planned.
 */
export type Prepared = { sql: string; name: string };

/**
 * Returns a statement with a name made from its text: other versions may share the connections of a
 * pooler.
 */
export function prepared(sql: string): Prepared {
  return { sql, name: `chattera_${createHash("sha256").update(sql).digest("hex").slice(0, 12)}` };
}

/** Pools whose connections lose names. */
const withoutNames = new WeakSet<Knex.Client>();

/**
 * Runs a statement under its name and returns its rows. The name saves a seventh of what a commit
 * of ten messages costs the database.
 *
 * Behind a PgBouncer in transaction mode, the next connection may not know the name, or may know it
 * already, and a migration may change the columns that the statement returns. The database then
 * rejects the statement before it does anything. In that case the statement is run again, and all
 * statements of this pool run without names from then on.
 */
export async function runPrepared<Row extends object>(
  db: Knex,
  { sql, name }: Prepared,
  bindings: readonly unknown[],
): Promise<Row[]> {
  const start = () => db.raw<{ rows: Row[] }>(sql, bindings as Knex.RawBinding[]);
  // In a transaction, the rejection would end the transaction.
  if (db.isTransaction || withoutNames.has(db.client)) return (await repeated(db, start)).rows;
  try {
    return (await repeated(db, () => start().options({ name }))).rows;
  } catch (error) {
    if (!NAME_LOST.includes((error as { code?: string }).code ?? "")) throw error;
    withoutNames.add(db.client);
    return (await repeated(db, start)).rows;
  }
}

/**
 * [errcodes] invalid_sql_statement_name, duplicate_prepared_statement, "cached plan must not change
 * result type".
 */
const NAME_LOST = ["26000", "42P05", "0A000"];
