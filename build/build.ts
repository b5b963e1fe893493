import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fingerprintSources, isBuilt, removeStamp, writeStamp } from "./stamp.ts";

/**
 * Builds `dist` if the sources or `dist` itself changed since the last build:
 * `npm run build`, or `npm run build -- --force` for a build in any case.
 */

const ROOT = join(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");
// Some file systems keep the time of a file to two seconds only.
const CLOCK_MS = 2000;
/** The types that other projects can import, apart from those of the client. */
const PUBLIC_TYPES = ["server/index.d.ts", "server/testing.d.ts"];

const sources = fingerprintSources(ROOT);
if (process.argv.includes("--force") || !isBuilt(ROOT, sources)) await build();

async function build(): Promise<void> {
  removeStamp(ROOT);
  const startedAt = Date.now();
  await Promise.all([compile("server"), compile("client/types.tsconfig.json"), import("../client/build.ts")]);
  // The same types serve both module formats: the folder's own package.json says which it is.
  cpSync(join(DIST, "client/types"), join(DIST, "client/commonjs/types"), { recursive: true });
  cpSync(join(ROOT, "db/sql"), join(DIST, "db/sql"), { recursive: true });
  cpSync(join(ROOT, "server/commonjs"), join(DIST, "server/commonjs"), { recursive: true });
  cpSync(join(ROOT, "db/schema.sql"), join(DIST, "db/schema.sql"));
  chmodSync(join(DIST, "server/process/cli.js"), 0o755);
  removeOlder(DIST, startedAt - CLOCK_MS);
  removePrivateTypes();
  writeStamp(ROOT, sources);
}

async function compile(project: string): Promise<void> {
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const [code] = await once(spawn(process.execPath, [tsc, "-p", project], { cwd: ROOT, stdio: "inherit" }), "exit");
  if (code !== 0) process.exit(1);
}

/** Removes what an earlier build left. A file that this build wrote has a time of its own. */
function removeOlder(folder: string, time: number): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeOlder(path, time);
    else if (statSync(path).mtimeMs < time) rmSync(path);
  }
}

/** Removes types that no public one mentions. They would be a tenth of the package. */
function removePrivateTypes(): void {
  const reached = new Set<string>();
  for (const entry of PUBLIC_TYPES) reachTypes(join(DIST, entry), reached);
  for (const file of readdirSync(DIST, { recursive: true, encoding: "utf8" })) {
    const path = join(DIST, file);
    if (file.endsWith(".d.ts") && !/^client\/(commonjs|types)\//.test(file) && !reached.has(path)) rmSync(path);
  }
}

function reachTypes(file: string, reached: Set<string>): void {
  if (reached.has(file)) return;
  reached.add(file);
  for (const [, source = ""] of readFileSync(file, "utf8").matchAll(/(?:from|import)[ (]"(\.[^"]+)"/g))
    reachTypes(join(dirname(file), source.replace(/\.[jt]s$/, ".d.ts")), reached);
}
