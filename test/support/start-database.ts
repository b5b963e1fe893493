import { lstat, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type EmbeddedDatabase, startEmbedded } from "../../db/embedded.ts";
import { migrate } from "../../db/migrate.ts";
import { StartError } from "../../db/start-error.ts";
import { databaseUrl, query, TEMPLATE_PREFIX, type TestServer } from "./database.ts";

/** Before all tests: one server for the run, and in it one migrated database to clone from. */
async function startDatabase(): Promise<void> {
  const given = process.env.TEST_DATABASE_URL;
  const { folder, database } = given ? {} : await startInFreeFolder();
  const url = given ?? database?.url ?? "";
  const template = `${TEMPLATE_PREFIX}${process.pid}`;
  const server: TestServer = { url, template, folder };
  process.env.CHATTERA_TEST_SERVER = JSON.stringify(server); // the only road to Jest's workers
  globalThis.stopTestDatabase = database?.stop;
  // after Ctrl-C Jest calls no teardown; an exit that is not a death by signal at least stops the server
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  await query(url, `drop database if exists ${template} with (force)`);
  await query(url, `create database ${template}`);
  await migrate(databaseUrl(url, template));
}

// biome-ignore lint/style/noDefaultExport: Jest takes globalSetup from the default export
export default startDatabase;

/**
 * Runs at the same time take folders of their own, the first free one. A run that was killed leaves its server behind
 * in one of them; the next run that takes the folder stops it, so that never more are left than ever ran at once.
 */
async function startInFreeFolder(): Promise<{ folder: string; database: EmbeddedDatabase }> {
  for (let n = 1; ; n++) {
    const folder = join(tmpdir(), `chattera-test-${process.getuid?.() ?? "all"}-${n}`);
    if (!(await isOurs(folder))) continue;
    try {
      const database = await startEmbedded({ dataDir: folder });
      await dropLeftOver(database.url);
      return { folder, database };
    } catch (error) {
      if (!(error instanceof StartError && error.inUse)) throw error;
    }
  }
}

/** In a folder that all may write to, another user could have put a folder of this name. */
async function isOurs(folder: string): Promise<boolean> {
  await mkdir(folder, { mode: 0o711 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  const found = await lstat(folder);
  return found.isDirectory() && found.uid === (process.getuid?.() ?? found.uid);
}

async function dropLeftOver(url: string): Promise<void> {
  const rows = await query(url, "select datname from pg_database where datname like 'chattera\\_%'");
  for (const { datname } of rows)
    await query(url, `drop database ${pg.escapeIdentifier(String(datname))} with (force)`);
}
