import type { Knex } from "knex";

/** Runs a statement and returns its rows, whose type the caller names. */
export async function rowsOf<Row extends object = never>(
  db: Knex,
  sql: string,
  bindings: readonly unknown[] | Knex.ValueDict = [],
): Promise<Row[]> {
  const { rows } = await db.raw<{ rows: Row[] }>(sql, bindings as Knex.RawBinding[]);
  return rows;
}

/** Runs a statement and returns the number of rows that it changed. */
export async function execute(db: Knex, sql: string, bindings: readonly unknown[] = []): Promise<number> {
  const { rowCount } = await db.raw<{ rowCount: number | null }>(sql, bindings as Knex.RawBinding[]);
  return rowCount ?? 0;
}
