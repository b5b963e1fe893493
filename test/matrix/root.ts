import { execFile } from "node:child_process";
import { cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ProgramOutput } from "./outcome.ts";

/** A system of another kind in a folder, whose programs take the folder for the root. */
export type OtherRoot = { run(command: string, patienceMs: number): Promise<ProgramOutput> };

/** The folder of all downloads. */
export const CACHE = join(import.meta.dirname, "../../node_modules/.cache/chattera-matrix");

const PROJECT = join(import.meta.dirname, "../..");

/**
 * Makes a root, which `fill` fills once, and copies the project and its npm packages to `/app`.
 * `packages` are npm's options for the other system. The kernel and the network are this machine's.
 */
export async function makeRoot(
  name: string,
  packages: string[],
  fill: (folder: string) => Promise<void>,
): Promise<OtherRoot> {
  const folder = join(CACHE, name);
  if (!(await exists(join(folder, "filled")))) {
    await rm(folder, { recursive: true, force: true });
    for (const part of ["proc", "dev", "tmp", "root", "etc"]) await mkdir(join(folder, part), { recursive: true });
    await fill(folder);
    await writeFile(join(folder, "etc/passwd"), "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n");
    await writeFile(join(folder, "etc/group"), "root:x:0:\nnogroup:x:65534:\n");
    await writeFile(join(folder, "etc/hosts"), "127.0.0.1 localhost\n");
    await writeFile(join(folder, "filled"), "");
  }
  await copyProject(join(folder, "app"), packages);
  return { run: (command, patienceMs) => runIn(folder, command, patienceMs) };
}

/** Throws if this machine cannot make such roots, and says what is missing. */
export async function requirePrograms(names: string[]): Promise<void> {
  if (process.platform !== "linux" || process.arch !== "x64" || process.getuid?.() !== 0)
    throw new Error("This needs Linux on x64, and root.");
  const missing: string[] = [];
  for (const name of names) await call("which", [name]).catch(() => missing.push(name));
  if (missing.length > 0) throw new Error(`These programs are missing: ${missing.join(", ")}.`);
}

/** Runs a program of this machine, and returns what it wrote to stdout. */
export async function call(program: string, args: string[], cwd = "/"): Promise<string> {
  return (await promisify(execFile)(program, args, { cwd, maxBuffer: 64 * 1024 * 1024 })).stdout;
}

/** Returns the address of the Debian archive that this machine uses. */
export async function debianArchive(): Promise<string> {
  const list = await call("apt-get", ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]);
  const found = list.split("\n").find((address) => /\/debian\/?$/.test(address));
  if (!found) throw new Error("This needs a Debian with its package sources.");
  return found;
}

async function copyProject(app: string, packages: string[]): Promise<void> {
  const lock = await readFile(join(PROJECT, "package-lock.json"), "utf8");
  const former = await readFile(join(app, "package-lock.json"), "utf8").catch(() => undefined);
  await mkdir(app, { recursive: true });
  const files = await call("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], PROJECT);
  for (const file of files.split("\0").filter(Boolean)) {
    if (await exists(join(PROJECT, file))) await cp(join(PROJECT, file), join(app, file));
  }
  await rm(join(app, "dist"), { recursive: true, force: true });
  await cp(join(PROJECT, "dist"), join(app, "dist"), { recursive: true });
  // This file is the last one that npm writes.
  if (lock === former && (await exists(join(app, "node_modules/.package-lock.json")))) return;
  await call("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", ...packages], app);
}

/** The mounts end with the process. */
async function runIn(folder: string, command: string, patienceMs: number): Promise<ProgramOutput> {
  const environment = "PATH=/usr/bin:/bin HOME=/root TMPDIR=/tmp LC_ALL=C ENGINES=Chromium";
  const enter =
    'mount --bind /proc "$0/proc" && mount --rbind /dev "$0/dev" && ' +
    `exec chroot "$0" /usr/bin/env -i ${environment} timeout ${patienceMs / 1000} /bin/sh -c "cd /app && $1"`;
  const args = ["--mount", "--propagation", "private", "sh", "-c", enter, folder, command];
  return promisify(execFile)("unshare", args, { maxBuffer: 64 * 1024 * 1024 }).catch((error) => error);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
