import pg from "pg";
import { StartError } from "../start-error.ts";

/**
 * The oldest version that has all that the schema needs, and that PostgreSQL maintained when this
 * was written.
 */
const OLDEST_VERSION = 14;

/**
 * Connects to the database at `url`, which the operator named in `setting`. Throws a StartError
 * with the reason if it cannot be used. Waits up to 5 s.
 */
export async function assertReachable(
  url: string,
  setting: "DATABASE_URL" | "CHATTERA_LISTEN_URL" = "DATABASE_URL",
): Promise<void> {
  let client: pg.Client | undefined;
  try {
    // The constructor throws if the URL is invalid, for example if a password holds a bare `#`
    // instead of %23.
    client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 5_000 });
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
    throw new StartError(
      `The database at ${addressOf(url) ?? setting} cannot be used (${reasonOf(error)}): check that it is running and that ` +
        `user name and password in ${setting} are right, ${INSTEAD[setting]}.`,
    );
  } finally {
    client?.end().catch(() => undefined);
  }
}

const INSTEAD = {
  DATABASE_URL: "or unset DATABASE_URL for an embedded one",
  CHATTERA_LISTEN_URL: "or unset it if DATABASE_URL points to the database itself",
};

/**
 * If a host name has several addresses and each refuses, the error has a code and an empty message.
 */
function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return message || code || String(error);
}

/** Returns host, port and database, without the password. */
function addressOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
