import type { Knex } from "knex";
import pg from "pg";
import { type DatabaseAddress, settingsOf } from "../address.ts";
import { StartError } from "../start-error.ts";
import { FOREIGN_SETTINGS } from "./session-settings.ts";
import { rowsOf } from "./statement.ts";

/**
 * The oldest version that has all that the schema needs, and that PostgreSQL maintained when this
 * was written.
 */
const OLDEST_VERSION = 14;

/**
 * Connects to a database, which the operator or the host named in `setting`. Throws a StartError
 * with the reason if it cannot be used. Waits up to 5 s.
 */
export async function assertReachable(
  address: DatabaseAddress,
  setting: keyof typeof INSTEAD = "DATABASE_URL",
): Promise<void> {
  let client: pg.Client | undefined;
  try {
    // The constructor throws if the URL is invalid, for example if a password holds a bare `#`
    // instead of %23.
    client = new pg.Client({ ...settingsOf(address), connectionTimeoutMillis: 5_000, query_timeout: 5_000 });
    client.on("error", () => undefined);
    await client.connect();
    const { rows } = await client.query<{ version: number }>(
      "select current_setting('server_version_num')::int as version",
    );
    const major = Math.floor((rows[0]?.version ?? 0) / 10_000);
    if (major < OLDEST_VERSION)
      throw new StartError(`${setting} points to PostgreSQL ${major}, but chattera needs ${OLDEST_VERSION} or later.`);
  } catch (error) {
    if (error instanceof StartError) throw error;
    if (isInvalidUrl(address))
      throw new StartError(
        `${setting} is not a URL with one host and a port from 1 to 65535: write it like ` +
          "postgres://user:password@host:5432/database.",
      );
    if (isMisread(address))
      throw new StartError(
        `${setting} cannot be read, because user name or password has a character with a meaning in URLs: write / ? # @ as %2F %3F %23 %40.`,
      );
    throw new StartError(
      `The database at ${addressOf(address) ?? setting} cannot be used (${reasonOf(error)}): check that it is running and that ` +
        `user name and password in ${setting} are right, ${INSTEAD[setting]}.`,
    );
  } finally {
    client?.end().catch(() => undefined);
  }
}

/** The functions without which no message can be stored. */
const NEEDED = ["pg_notify", "pg_advisory_xact_lock", "pg_try_advisory_xact_lock"];

/**
 * Throws a StartError if the database takes no writes, since it is a standby, or a role or database
 * that an administrator has made read-only, or since functions may not be called.
 */
export async function assertWritable(db: Knex): Promise<void> {
  const [row] = await rowsOf<{ isReadOnly: boolean; refused: string[]; user: string }>(
    db,
    `select current_setting('transaction_read_only') = 'on' as "isReadOnly", current_user as "user",
       array(select oid::regprocedure::text from pg_proc
         where pronamespace = 'pg_catalog'::regnamespace and proname = any(?)
           and not has_function_privilege(oid, 'execute') order by 1) as refused`,
    [NEEDED],
  );
  const { isReadOnly, refused, user } = row as { isReadOnly: boolean; refused: string[]; user: string };
  if (isReadOnly)
    throw new StartError("The database is read-only: name the primary server, and a user that may write.");
  if (refused.length > 0)
    throw new StartError(
      `The database refuses functions that chattera needs: run grant execute on function ${refused.join(", ")} ` +
        `to ${pg.escapeIdentifier(user)}; as its administrator.`,
    );
}

/**
 * Throws a StartError if the database cannot hold every message, or if a pooler is in between and
 * the settings of its sessions would change what our statements mean.
 */
export async function assertUsable(db: Knex): Promise<void> {
  const connection = (await db.client.acquireConnection()) as pg.Client & { processID: number };
  try {
    const { rows } = await connection.query<Properties>(
      `select current_setting('server_encoding') as encoding, session_user as "user", current_database() as database,
         pg_backend_pid() as "backendPid"`,
    );
    const { encoding, backendPid, ...place } = rows[0] as Properties;
    if (encoding !== "UTF8")
      throw new StartError(
        `The database has the encoding ${encoding}, which cannot hold every message: ` +
          "create it with encoding 'UTF8' template template0.",
      );
    // Each connection pins its settings. Behind a pooler that shares connections among its clients,
    // a statement may run on one that another client has set up, so the defaults must be right.
    if (connection.processID !== backendPid) await assertOwnSettings(connection, place);
  } finally {
    db.client.releaseConnection(connection);
  }
}

type Properties = { encoding: string; user: string; database: string; backendPid: number };

/** A setting of the role in this database comes before those of the role and of the database. */
async function assertOwnSettings(
  client: pg.Client,
  { user, database }: Pick<Properties, "user" | "database">,
): Promise<void> {
  const { rows } = await client.query<{ name: string; value: string }>(FOREIGN_SETTINGS);
  if (rows.length === 0) return;
  const place = `${pg.escapeIdentifier(user)} in database ${pg.escapeIdentifier(database)}`;
  const statements = rows.map(({ name, value }) => `alter role ${place} set ${name} = '${value}';`);
  throw new StartError(
    `Behind a connection pooler, chattera cannot set ${rows.map(({ name }) => name).join(", ")} itself: ` +
      `run ${statements.join(" ")} and let the pooler connect again.`,
  );
}

const INSTEAD = {
  DATABASE_URL: "or unset DATABASE_URL for an embedded one",
  CHATTERA_LISTEN_URL: "or unset it if DATABASE_URL points to the database itself",
  database: "or use database: { embedded: folder }",
};

/**
 * If a host name has several addresses and each refuses, the error has a code and an empty message.
 */
function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return message || code || String(error);
}

/** Unlike psql, pg takes one host only. */
function isInvalidUrl(address: DatabaseAddress): boolean {
  const { connectionString: url } = settingsOf(address);
  return url !== undefined && !isMisread(address) && (!URL.canParse(url) || new URL(url).host.includes(","));
}

/**
 * Returns whether the URL has an @ behind its host. Then a part of the password was taken for a
 * port, a path, a query or a fragment, and must not be shown.
 */
function isMisread(address: DatabaseAddress): boolean {
  const { connectionString: url = "" } = settingsOf(address);
  const [, authority = "", rest = ""] = /^\w+:\/\/([^/?#]*)(.*)$/s.exec(url) ?? [];
  return rest.includes("@") || (authority === "" && url.includes("@"));
}

/** Returns host, port and database, without the password. */
function addressOf(address: DatabaseAddress): string | undefined {
  const { connectionString: url, ...settings } = settingsOf(address);
  if (url === undefined) return `${settings.host ?? "localhost"}:${settings.port ?? 5432}/${settings.database ?? ""}`;
  if (!URL.canParse(url)) return undefined;
  const { host, pathname } = new URL(url);
  return host === "" ? undefined : `${host}${pathname}`;
}
