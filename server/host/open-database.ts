import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionSettings, DatabaseAddress } from "../../db/address.ts";
import { startEmbedded } from "../../db/embedded/start.ts";
import { assertReachable } from "../../db/pool/check-database.ts";
import type { Logger } from "../log.ts";

/**
 * The database that keeps the log: a URL, `postgres://…`, the settings of a pool of `pg`, or an
 * embedded PostgreSQL in a folder, which is made if it is missing. `{ embedded: true }` is one in a
 * temporary folder, which is deleted when the app is closed.
 */
export type Database = string | (ConnectionSettings & { max?: number | undefined }) | { embedded: string | true };

/** A database that is open: its address, and what is to be done when the app has been closed. */
export type OpenedDatabase = { address: DatabaseAddress; close(): Promise<void> };

/** Returns what a database says about other options: its address, and the size of its pool. */
export function optionsOf(database: Database | undefined): { database?: DatabaseAddress; poolMax?: number } {
  if (database === undefined) return {};
  if (typeof database === "string") return { database };
  // Its address is known when it has started.
  if (isEmbedded(database)) return { database: "postgres://" };
  return { database, ...(database.max !== undefined && { poolMax: database.max }) };
}

/** Starts the database if it is embedded, and throws a StartError if it cannot be used. */
export async function openDatabase(database: Database, logger: Logger): Promise<OpenedDatabase> {
  if (isEmbedded(database)) return openEmbedded(database.embedded, logger);
  await assertReachable(database, "database");
  return { address: database, close: async () => undefined };
}

function isEmbedded(database: Database): database is { embedded: string | true } {
  return typeof database === "object" && "embedded" in database;
}

async function openEmbedded(folder: string | true, logger: Logger): Promise<OpenedDatabase> {
  const report = (line: string) => logger.info(line);
  if (folder !== true) {
    const { url, stop } = await startEmbedded({ dataDir: folder, report });
    return { address: url, close: stop };
  }
  const temporary = await makeTemporaryFolder();
  const remove = () => rm(temporary, { recursive: true, force: true });
  try {
    const { url, stop } = await startEmbedded({ dataDir: join(temporary, "data"), report, settings: FAST });
    return { address: url, close: () => stop().then(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** If this is root, PostgreSQL runs as another user, which has to reach the folder. */
async function makeTemporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "chattera-"));
  await chmod(folder, 0o711);
  return folder;
}

/** The data does not outlive the process, so nothing has to reach the disk. */
const FAST = { fsync: "off", full_page_writes: "off" };
