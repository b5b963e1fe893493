import pg from "pg";
import { StartError } from "../start-error.ts";

/** What the schema and its statements need; also the oldest that PostgreSQL itself maintained when this was written. */
const OLDEST_VERSION = 14;

/**
 * Throws the sentence that says why the database at `url`, which the operator's `setting` names, cannot be used, if so.
 * Asks for 5 s.
 */
export async function assertReachable(
  url: string,
  setting: "DATABASE_URL" | "CHATTERA_LISTEN_URL" = "DATABASE_URL",
): Promise<void> {
  let client: pg.Client | undefined;
  try {
    // it throws where the text is none: a password may hold what has to be written as %23
    client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 5_000 });
    client.on("error", () => undefined);
    await client.connect();
    const { rows } = await client.query<{ version: number }>(
      "select current_setting('server_version_num')::int as version",
    );
    const major = Math.floor((rows[0]?.version ?? 0) / 10_000);
    if (major < OLDEST_VERSION)
      throw new StartError(`${setting} leads to a PostgreSQL ${major}: chattera needs ${OLDEST_VERSION} or later.`);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(
      `The database at ${placeOf(url) ?? setting} cannot be used (${reasonOf(error)}): see that it runs there and that ` +
        `name and password in ${setting} are right, ${INSTEAD[setting]}.`,
    );
  } finally {
    client?.end().catch(() => undefined);
  }
}

const INSTEAD = {
  DATABASE_URL: "or unset DATABASE_URL for an embedded one",
  CHATTERA_LISTEN_URL: "or unset it where DATABASE_URL leads to the database itself",
};

/** Of a name with several addresses, each refused, only the code tells. */
function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return message || code || String(error);
}

/** Host, port and database, without the password. */
function placeOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
