import knex, { type Knex } from "knex";
import pg from "pg";
import { type DatabaseAddress, DEFAULT_SCHEMA, settingsOf } from "../address.ts";
import { type PooledConnection, watchConnections } from "./dead-connections.ts";
import { pinSettings } from "./session-settings.ts";
import { setPathPerTransaction } from "./shared-connections.ts";
import { execute } from "./statement.ts";

/**
 * A query, or a wait for a free connection, fails after this time, and the request is answered with
 * 503.
 */
const TIMEOUT_MS = 5_000;

/** Options of connect(), each with a default. `schema` is the one that has our tables. */
export type PoolOptions = {
  poolMax?: number;
  timeoutMs?: number;
  schema?: string;
  /** The functions of the schema come before PostgreSQL's, so that a test can move `now()`. */
  hasTestClock?: boolean;
};

/**
 * Opens a pool of connections to a database. Queries fail after `timeoutMs` (5,000).
 *
 * `poolMax` (10): one append, one read and one presence round run at a time, and the rest serves
 * pages, history and joins. Connecting takes 2 s at most, so a lost database gets the answer 503
 * rather than a hanging request.
 */
export function connect(address: DatabaseAddress, options: PoolOptions = {}): Knex {
  const { timeoutMs = TIMEOUT_MS, schema = DEFAULT_SCHEMA } = options;
  const watch = watchConnections();
  const db = knex({
    client: "pg",
    connection: {
      application_name: "chattera",
      ...(settingsOf(address) as object),
      connectionTimeoutMillis: 2_000,
      query_timeout: timeoutMs,
      keepAlive: true,
      types: { getTypeParser } as never, // The types of knex declare the oid as an enum of its own.
    },
    pool: {
      min: 0,
      max: options.poolMax ?? 10,
      afterCreate,
      validate: watch.isUsable,
      destroyTimeoutMillis: CLOSE_MS,
    },
    acquireConnectionTimeout: TIMEOUT_MS,
    // Bindings are messages and nicknames, which must not get into error messages and so into the
    // log.
    compileSqlOnError: false,
    log: QUIET,
  });
  db.on("query-error", watch.onQueryError);
  return db;

  function afterCreate(connection: PooledConnection, done: (error?: Error) => void): void {
    watch.onConnect(connection);
    // If the network drops a connection in the middle of a transaction, PostgreSQL would hold the
    // lock on the room's row until TCP gives up two hours later, and nobody could post there. After
    // twice the timeout, the transaction has failed on this side anyway.
    const path = { schema, processId: connection.processID };
    void connection.query<{ needsPath: boolean }>(pinSettings(2 * timeoutMs, path), (error, result) => {
      // Otherwise, knex would drop the connection without ending it.
      if (error) void connection.end();
      else if (result.rows[0]?.needsPath) setPathPerTransaction(connection, schema);
      if (error || !options.hasTestClock) done(error ?? undefined);
      else void connection.query(`set search_path = "${schema}", pg_catalog`, (failed) => done(failed ?? undefined));
    });
  }
}

/** Closing a connection waits this long for the server, which may never answer. */
const CLOSE_MS = 1_000;

/**
 * By default, knex prints every lost connection to the console. The query that used it fails with
 * the same error.
 */
const QUIET = { warn: () => undefined, error: () => undefined };

/**
 * The parsers of pg, except for int8, which pg returns as text. A seq is exact as a number up to
 * 2⁵³.
 */
const getTypeParser: Parser = (oid, format) =>
  oid === pg.types.builtins.INT8 && format !== "binary" ? Number : pg.types.getTypeParser(oid, format);

type Parser = (oid: number, format?: "text" | "binary") => unknown;

/**
 * Returns whether an error means that the database is away, busy or slow, so that a retry later can
 * succeed.
 */
export function isDatabaseAway(error: unknown): boolean {
  const { code, name, message } = error as { code?: unknown; name?: unknown; message?: unknown };
  if (typeof code === "string" && AWAY_CODE.test(code)) return true;
  return name === "KnexTimeoutError" || (typeof message === "string" && AWAY_MESSAGE.test(message));
}

/**
 * SQLSTATE classes 08 (connection), 28 (login refused), 53 (resources), 57P (operator intervention)
 * and 58 (disk), 25006 (read-only, a standby), 57014, 55P03, 25P03 and 25P04 (too slow), 40001 and
 * 40P01 (conflicts with other transactions). Our statements are fixed, so 3D000, 3F000, 42P01,
 * 42883, 42703 and 42501 mean that a database, schema, table, function, column or permission is
 * missing for now, for example during a restore. Then the error codes of sockets and files.
 */
const AWAY_CODE =
  /^(08...|28...|53...|57P0.|58...|25006|57014|55P03|25P0[34]|40001|40P01|3[DF]000|42P01|42883|42703|42501|EMFILE|ENFILE|ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST\w+)$/;

/** Messages of pg and knex that come without a code. */
const AWAY_MESSAGE =
  /Connection terminated|Connection ended|timeout expired|Query read timeout|not queryable|Timeout acquiring|Unable to acquire a connection/;

/** Returns whether the database answers a query. */
export function isAnswering(db: Knex): Promise<boolean> {
  return execute(db, "select 1").then(
    () => true,
    () => false,
  );
}
