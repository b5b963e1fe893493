import pg from "pg";
import { StartError } from "./start-error.ts";

/** What the schema and its statements need; also the oldest that PostgreSQL itself maintained when this was written. */
const OLDEST_VERSION = 14;

/** Throws the sentence that says why the database at `url`, the operator's DATABASE_URL, cannot be used, if so. Asks for 5 s. */
export async function assertReachable(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 5_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ version: number }>(
      "select current_setting('server_version_num')::int as version",
    );
    const major = Math.floor((rows[0]?.version ?? 0) / 10_000);
    if (major < OLDEST_VERSION)
      throw new StartError(`DATABASE_URL leads to a PostgreSQL ${major}: chattera needs ${OLDEST_VERSION} or later.`);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(
      `The database at ${placeOf(url)} cannot be used (${(error as Error).message}): see that it runs there and that ` +
        "name and password in DATABASE_URL are right, or unset DATABASE_URL for an embedded one.",
      { cause: error },
    );
  } finally {
    client.end().catch(() => undefined);
  }
}

/** Host, port and database, without the password. */
function placeOf(url: string): string {
  if (!URL.canParse(url)) return "DATABASE_URL";
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
