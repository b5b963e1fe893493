import { randomUUID } from "node:crypto";
import { lstat, mkdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type EmbeddedDatabase, startEmbedded } from "../../db/embedded/start.ts";
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

/** Role and database from which the tests' databases are created. */
const TESTER = "tester";

// biome-ignore lint/style/noDefaultExport: Jest takes globalSetup from the default export
export default startDatabase;

/**
 * Runs at the same time take folders of their own, the first free one. A run that was killed leaves its server behind
 * in one of them; the next run that takes the folder stops it, so that never more are left than ever ran at once.
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

/** In a folder that all may write to, another user could have put a folder of this name. */
async function isOurs(folder: string): Promise<boolean> {
  await mkdir(folder, { mode: 0o711 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  const found = await lstat(folder);
  return found.isDirectory() && found.uid === (process.getuid?.() ?? found.uid);
}

/** The database's superuser, whom the chat's own role may not act as. */
async function adminUrl(folder: string, url: string): Promise<string> {
  const admin = new URL(databaseUrl(url, "postgres"));
  admin.username = "postgres";
  admin.password = await readFile(join(folder, "password"), "utf8");
  return admin.href;
}

/** The tests' own role, which may create databases, as the chat's may not, but is no superuser either. */
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
