import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CAN_MOUNT } from "../support/small-disk.ts";

/** The reasons why this machine cannot have a fault, by what the fault needs. */
export const LACKS = {
  /** A small file system, which only root may mount. */
  smallDisk: () => (CAN_MOUNT ? undefined : "only root may mount a small file system to fill (Linux)"),
  /** A library that shows processes another time. */
  clocks: () => (timeLibrary() === undefined ? "libfaketime is not installed (Debian: libfaketime)" : undefined),
  /** The limit of a shell. */
  shell: () => (process.platform === "linux" ? undefined : "limits of a process are set and read as on Linux"),
  pgbouncer: () =>
    spawnSync("pgbouncer", ["--version"]).status === 0 ? undefined : "PgBouncer is not installed (Debian: pgbouncer)",
  /** The history, from which an older build is made. */
  history: () =>
    olderCommit() === undefined ? "an older build needs a checkout by git with its whole history" : undefined,
};

/** Returns the path of libfaketime where Debian, Fedora and Alpine have it. */
export function timeLibrary(): string | undefined {
  const folders = ["/usr/lib", "/usr/lib64", "/usr/local/lib"];
  const nested = existsSync("/usr/lib") ? readdirSync("/usr/lib").map((name) => join("/usr/lib", name)) : [];
  return [...folders, ...nested]
    .map((folder) => join(folder, "faketime/libfaketime.so.1"))
    .find((path) => existsSync(path));
}

/**
 * Returns the commit before the newest migration: its build is the newest that runs on an older
 * schema.
 */
export function olderCommit(): string | undefined {
  try {
    const newest = git("log", "-1", "--diff-filter=A", "--format=%H", "--", "db/migrations");
    return newest === "" ? undefined : git("rev-parse", "--verify", "--quiet", `${newest}^`);
  } catch {
    return undefined;
  }
}

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
