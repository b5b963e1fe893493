import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dumpSchema } from "./dump-schema.ts";
import { startEmbedded } from "./embedded/start.ts";
import { readFunctions } from "./functions.ts";
import { migrate } from "./migrate.ts";
import { connect } from "./pool/connect.ts";

// Raises the revision of db/sql if a file there has changed, and writes db/schema.sql from a new
// database.
await raiseRevision();
await writeFile(new URL("schema.sql", import.meta.url), await schemaOfNewDatabase());

async function raiseRevision(): Promise<void> {
  const file = new URL("sql/revision.json", import.meta.url);
  const { sha256 } = JSON.parse(await readFile(file, "utf8")) as { sha256: string };
  const functions = await readFunctions();
  if (functions.sha256 === sha256) return;
  const raised = { revision: functions.revision + 1, sha256: functions.sha256 };
  await writeFile(file, `${JSON.stringify(raised, null, 2)}\n`);
}

async function schemaOfNewDatabase(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "chattera-schema-"));
  // If this is root, PostgreSQL runs as another user.
  await chmod(folder, 0o755);
  const database = await startEmbedded({ dataDir: join(folder, "data") });
  try {
    await migrate(database.url);
    const db = connect(database.url);
    return await dumpSchema(db).finally(() => db.destroy());
  } finally {
    await database.stop();
    await rm(folder, { recursive: true });
  }
}
