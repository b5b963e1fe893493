import { randomUUID } from "node:crypto";
import { lstat, mkdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type EmbeddedDatabase, startEmbedded } from "../../db/embedded/start.ts";
import { migrate } from "../../db/migrate.ts";
import { StartError } from "../../db/start-error.ts";
import { databaseUrl, query, TEMPLATE_PREFIX, type TestServer } from "./database.ts";

/**
 * Runs before all tests: starts one server for the run, with one migrated database to clone from.
 */
async function startDatabase(): Promise<void> {
  const given = process.env.TEST_DATABASE_URL;
  const { folder, database } = given ? {} : await startInFreeFolder();
  const url = given ?? database?.url ?? "";
  const template = `${TEMPLATE_PREFIX}${process.pid}`;
  const server: TestServer = { url, template, folder };
  // The environment is the only way to Jest's workers.
  process.env.TEST_SERVER = JSON.stringify(server);
  globalThis.stopTestDatabase = database?.stop;
  // After Ctrl-C, Jest runs no teardown. A normal exit at least stops the server.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  await query(url, `drop database if exists ${template} with (force)`);
  await query(url, `create database ${template}`);
  await migrate(databaseUrl(url, template));
}

/** The role and the database from which the tests create their databases. */
const TESTER = "tester";

// biome-ignore lint/style/noDefaultExport: Jest takes globalSetup from the default export
export default startDatabase;

/**
 * Concurrent runs take different folders, each the first free one. A killed run leaves its server
 * in a folder, and the next run in that folder stops it, so no more servers remain than ever ran at
 * the same time.
 */
async function startInFreeFolder(): Promise<{ folder: string; database: EmbeddedDatabase }> {
  for (let n = 1; ; n++) {
    const folder = join(tmpdir(), `chattera-tests-${process.getuid?.() ?? "all"}-${n}`);
    if (!(await isOurs(folder))) continue;
    try {
      const { url, stop } = await startEmbedded({ dataDir: folder });
      const admin = await adminUrl(folder, url);
      await dropLeftOver(admin);
      return { folder, database: { url: await createTester(admin), stop } };
    } catch (error) {
      if (!(error instanceof StartError && error.inUse)) throw error;
    }
  }
}

/**
 * In a folder that everyone may write to, another user could have created a folder of this name.
 */
async function isOurs(folder: string): Promise<boolean> {
  await mkdir(folder, { mode: 0o711 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  const found = await lstat(folder);
  return found.isDirectory() && found.uid === (process.getuid?.() ?? found.uid);
}

/** Returns the URL for the database's superuser. The chat's own role cannot act as it. */
async function adminUrl(folder: string, url: string): Promise<string> {
  const admin = new URL(databaseUrl(url, "postgres"));
  admin.username = "postgres";
  admin.password = await readFile(join(folder, "password"), "utf8");
  return admin.href;
}

/**
 * Creates the role of the tests. Unlike the chat's role it may create databases, but it is no
 * superuser.
 */
async function createTester(admin: string): Promise<string> {
  const tester = new URL(databaseUrl(admin, TESTER));
  tester.username = TESTER;
  tester.password = randomUUID();
  const [role] = await query(admin, `select from pg_roles where rolname = '${TESTER}'`);
  await query(admin, `${role ? "alter" : "create"} role ${TESTER} login createdb password '${tester.password}'`);
  const [database] = await query(admin, `select from pg_database where datname = '${TESTER}'`);
  if (!database) await query(admin, `create database ${TESTER} owner ${TESTER}`);
  return tester.href;
}

async function dropLeftOver(url: string): Promise<void> {
  const rows = await query(url, "select datname from pg_database where datname like 'chattera\\_%'");
  for (const { datname } of rows)
    await query(url, `drop database ${pg.escapeIdentifier(String(datname))} with (force)`);
}
