import { rm } from "node:fs/promises";
import { dropDatabase, testServer } from "./database.ts";

declare global {
  /** Set by start-database.ts, which Jest runs in the same process. */
  var stopTestDatabase: (() => Promise<void>) | undefined;
}

/**
 * Runs after all tests: removes the process and the folder, or the database in a server that was
 * given.
 */
async function stopDatabase(): Promise<void> {
  const { url, template, folder } = testServer();
  if (!folder) return dropDatabase(url, template);
  await globalThis.stopTestDatabase?.();
  await rm(folder, { recursive: true, force: true });
}

// biome-ignore lint/style/noDefaultExport: Jest takes globalTeardown from the default export
export default stopDatabase;
