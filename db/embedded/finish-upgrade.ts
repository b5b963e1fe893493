import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Returns the folder of the data of the next version until an upgrade is complete. */
export function nextFolder(folder: string): string {
  return join(folder, "upgrade");
}

/** Returns the folder that keeps the data of the version before an upgrade. */
export function keptFolder(folder: string, version: string): string {
  return join(folder, `postgresql-${version}`);
}

/** Notes that the data of the next version is complete. `version` is the former one. */
export function noteComplete(folder: string, version: string): Promise<void> {
  return writeFile(noteIn(folder), version, { flush: true });
}

/**
 * Exchanges the folders of an upgrade whose copy is complete. If the upgrade is killed in between,
 * the next start does it, so that a folder without data is never taken for a new one.
 */
export async function finishUpgrade(folder: string): Promise<void> {
  const version = await readFile(noteIn(folder), "utf8").catch(() => undefined);
  if (version === undefined) return;
  const pgData = join(folder, "postgresql");
  const next = join(nextFolder(folder), "postgresql");
  if (await exists(next)) {
    if (await exists(pgData)) await rename(pgData, keptFolder(folder, version));
    await rename(next, pgData);
  }
  await rm(nextFolder(folder), { recursive: true, force: true });
  await rm(join(folder, `former-${version}`), { recursive: true, force: true });
}

function noteIn(folder: string): string {
  return join(nextFolder(folder), "complete");
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
