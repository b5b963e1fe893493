import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fingerprint } from "./fingerprint.ts";

// Everything that a build reads.
const SOURCES = ["protocol", "db", "server", "client", "build", "package.json", "package-lock.json", "tsconfig.json"];
const STAMP = "dist/.stamp";

/** Returns the fingerprint of what a build would read now. */
export function fingerprintSources(root: string): string {
  return fingerprint(root, SOURCES);
}

/** Returns true if `dist` holds what the last build made, and made of these sources. */
export function isBuilt(root: string, sources: string): boolean {
  try {
    return readFileSync(join(root, STAMP), "utf8") === stampOf(root, sources);
  } catch {
    return false;
  }
}

/** Forgets the last build, so that a build that fails halfway does not count as done. */
export function removeStamp(root: string): void {
  rmSync(join(root, STAMP), { force: true });
}

/** Marks `dist` as built from the sources that had this fingerprint when the build began. */
export function writeStamp(root: string, sources: string): void {
  writeFileSync(join(root, STAMP), stampOf(root, sources));
}

function stampOf(root: string, sources: string): string {
  return `${sources} ${fingerprint(root, ["dist"], [STAMP])}\n`;
}
