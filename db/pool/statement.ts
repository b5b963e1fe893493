import type { Knex } from "knex";

/** Runs a statement and returns its rows, whose type the caller names. */
export async function rowsOf<Row extends object = never>(
  db: Knex,
  sql: string,
  bindings: readonly unknown[] | Knex.ValueDict = [],
): Promise<Row[]> {
  const { rows } = await repeated(db, () => db.raw<{ rows: Row[] }>(sql, bindings as Knex.RawBinding[]));
  return rows;
}

/** Runs a statement and returns the number of rows that it changed. */
export async function execute(db: Knex, sql: string, bindings: readonly unknown[] = []): Promise<number> {
  const { rowCount } = await repeated(db, () =>
    db.raw<{ rowCount: number | null }>(sql, bindings as Knex.RawBinding[]),
  );
  return rowCount ?? 0;
}

/**
 * Returns the time of the database, as a value for knex's query builder. Its own `fn.now()` writes
 * CURRENT_TIMESTAMP, which the clock of tests cannot move.
 */
export function databaseNow(db: Knex): Knex.Raw<Date> {
  return db.raw<Date>("now()");
}

/** A statement that conflicts with others this many times in a row fails. */
const ATTEMPTS = 20;

/**
 * Runs a statement, and repeats it if it failed only because of what others did at the same time.
 * Outside a transaction, a statement that failed has changed nothing.
 */
export async function repeated<Result>(db: Knex, run: () => PromiseLike<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      const isConflict = CONFLICTS.includes((error as { code?: string }).code ?? "");
      if (!isConflict || db.isTransaction || attempt === ATTEMPTS) throw error;
    }
  }
}

/** [errcodes] serialization_failure, deadlock_detected. */
const CONFLICTS = ["40001", "40P01"];
