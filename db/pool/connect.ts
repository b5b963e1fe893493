import knex, { type Knex } from "knex";
import pg from "pg";
import { createSilence, type PooledConnection } from "./dead-connections.ts";

/** A query, or a wait for a free connection, that takes longer than this is given up; the request is answered 503. */
const PATIENCE_MS = 5_000;

/**
 * One pool of connections to the database at `url`.
 *
 * `poolMax` (10): one append, one read and one presence beat are under way at a time, the rest serves pages, history
 * and joins. Connecting takes 2 s at most, so that a lost database is answered with 503 rather than a hanging request.
 */
export function connect(url: string, options: { poolMax?: number; patienceMs?: number } = {}): Knex {
  const patienceMs = options.patienceMs ?? PATIENCE_MS;
  const silence = createSilence();
  const db = knex({
    client: "pg",
    connection: {
      connectionString: url,
      application_name: "chattera",
      connectionTimeoutMillis: 2_000,
      query_timeout: patienceMs,
      keepAlive: true,
      types: { getTypeParser } as never, // knex types the parameter as its own enum of oids
    },
    pool: {
      min: 0,
      max: options.poolMax ?? 10,
      afterCreate,
      validate: silence.isSound,
      destroyTimeoutMillis: GOODBYE_MS,
    },
    acquireConnectionTimeout: PATIENCE_MS,
    // what a statement was given, messages and nicknames, has no place in an error's message
    compileSqlOnError: false,
    log: QUIET,
  });
  db.on("query-error", silence.onError);
  return db;

  function afterCreate(connection: PooledConnection, done: (error?: Error) => void): void {
    silence.onConnect(connection);
    void connection.query(abandonAfter(2 * patienceMs), (error) => {
      // knex would forget it without ending it
      if (error) void connection.end();
      done(error ?? undefined);
    });
  }
}

/**
 * A transaction whose other end is gone without a word would hold its room's row until TCP gives up, two hours later:
 * nobody could speak there. Twice the patience, for one that is only late has failed here by then.
 */
function abandonAfter(ms: number): string {
  return `set idle_in_transaction_session_timeout = ${ms}`;
}

/** A connection that is let go may never answer the goodbye; nobody waits longer for it. */
const GOODBYE_MS = 1_000;

/** knex tells the console of every connection that ends; what asked for it gets the same as an error. */
const QUIET = { warn: () => undefined, error: () => undefined };

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
 * Classes 08 connection, 53 resources, 57P operator intervention, 25006 read-only (a standby), 57014, 55P03 and
 * 25P03 too slow, 40P01 a deadlock's victim, 58030 its disk; then what the sockets say.
 */
const AWAY_CODE =
  /^(08...|53...|57P0.|25006|57014|55P03|25P03|40P01|58030|ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST\w+)$/;

/** What pg and knex say without a code. */
const AWAY_MESSAGE =
  /Connection terminated|Connection ended|timeout expired|Query read timeout|not queryable|Timeout acquiring/;
