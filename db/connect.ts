import knex, { type Knex } from "knex";
import pg from "pg";

/** A query, or a wait for a free connection, that takes longer than this is given up; the request is answered 503. */
const PATIENCE_MS = 5_000;

/**
 * One pool of connections to the database at `url`.
 *
 * `poolMax` (10): one append, one read and one presence beat are under way at a time, the rest serves pages, history
 * and joins. Connecting takes 2 s at most, so that a lost database is answered with 503 rather than a hanging request.
 */
export function connect(url: string, options: { poolMax?: number } = {}): Knex {
  return knex({
    client: "pg",
    connection: {
      connectionString: url,
      application_name: "chattera",
      connectionTimeoutMillis: 2_000,
      query_timeout: PATIENCE_MS,
      keepAlive: true,
      types: { getTypeParser } as never, // knex types the parameter as its own enum of oids
    },
    pool: { min: 0, max: options.poolMax ?? 10 },
    acquireConnectionTimeout: PATIENCE_MS,
  });
}

/** The parsers of pg, but for int8, which it hands out as text: a seq stays exact as a number up to 2⁵³. */
const getTypeParser: Parser = (oid, format) =>
  oid === pg.types.builtins.INT8 && format !== "binary" ? Number : pg.types.getTypeParser(oid, format);

type Parser = (oid: number, format?: "text" | "binary") => unknown;

/** Did this error come of the database's being away, busy or slow, so that waiting and trying again is the cure? */
export function isDatabaseAway(error: unknown): boolean {
  const { code, name, message } = error as { code?: unknown; name?: unknown; message?: unknown };
  if (typeof code === "string" && AWAY_CODE.test(code)) return true;
  return name === "KnexTimeoutError" || (typeof message === "string" && AWAY_MESSAGE.test(message));
}

/**
 * Classes 08 connection, 53 resources, 57P operator intervention, 25006 read-only (a standby), 57014 and 55P03 too slow;
 * then what the sockets say.
 */
const AWAY_CODE = /^(08...|53...|57P0.|25006|57014|55P03|58030|ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST\w+)$/;

/** What pg and knex say without a code. */
const AWAY_MESSAGE =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|not queryable|Timeout acquiring/;
