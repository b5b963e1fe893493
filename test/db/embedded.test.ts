import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  chmod,
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  rmdir,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { failureOf } from "../../db/embedded/failure.ts";
import { joinEmbedded } from "../../db/embedded/join.ts";
import { isAlive } from "../../db/embedded/process-status.ts";
import { cannotRun, findPrograms, packagedPrograms, runProgram } from "../../db/embedded/programs.ts";
import { defaultDataDir, type EmbeddedDatabase, startEmbedded } from "../../db/embedded/start.ts";
import { databaseUser } from "../../db/embedded/user.ts";
import { migrate } from "../../db/migrate.ts";
import { StartError } from "../../db/start-error.ts";
import { databaseUrl, query } from "../support/database.ts";

const isRoot = process.getuid?.() === 0;
const asRoot = (sentence: string, body: () => Promise<void>) =>
  isRoot ? test(sentence, body) : test.skip(`${sentence} (needs root)`, body);
const asOrdinaryUser = (sentence: string, body: () => Promise<void>) =>
  isRoot ? test.skip(`${sentence} (needs a user that is not root)`, body) : test(sentence, body);

/**
 * Holds all folders of this file. Most tests share one data folder, because later starts are
 * faster.
 */
const place = join(tmpdir(), `chattera-embedded-${randomUUID()}`);
const folder = join(place, "shared");
const running: { stop(): Promise<void> }[] = [];
let firstReport: string[] = [];

beforeAll(async () => {
  await mkdir(place);
  await chmod(place, 0o755);
  const reported: string[] = [];
  const { url } = await start({ report: (line) => reported.push(line) });
  firstReport = reported;
  await query(url, "create table kept (word text)");
  await query(url, "insert into kept values ('hello')");
  await stopAll();
});
afterEach(stopAll);
afterAll(() => rm(place, { recursive: true, force: true }));

test("the first start creates a database, and the next one finds its data", async () => {
  expect(firstReport).toEqual([`Creating a new database in ${folder}.`]);
  const reported: string[] = [];
  const { url } = await start({ report: (line) => reported.push(line) });
  expect(await query(url, "select word from kept")).toEqual([{ word: "hello" }]);
  expect(reported).toEqual([]);
});

test("commits are on disk before they are acknowledged, and the server listens on loopback only", async () => {
  const { url } = await start();
  expect(await query(url, "show fsync")).toEqual([{ fsync: "on" }]);
  expect(await query(url, "show synchronous_commit")).toEqual([{ synchronous_commit: "on" }]);
  expect(await query(url, "show listen_addresses")).toEqual([{ listen_addresses: "127.0.0.1" }]);
});

test("the chat's role owns its database and can do nothing else, even if an earlier chattera allowed it", async () => {
  const earlier = await start();
  await query(await adminUrl(earlier.url), "alter role chattera createdb createrole replication bypassrls");
  await query(await adminUrl(earlier.url), "grant connect on database postgres to public");
  await writeFile(join(folder, "postgresql", "pg_hba.conf"), "host replication all 127.0.0.1/32 trust\n");
  await stopAll();
  const { url } = await start();
  const [role] = await query(url, "select * from pg_roles where rolname = current_user");
  const powers = ["rolsuper", "rolcreatedb", "rolcreaterole", "rolreplication", "rolbypassrls"];
  expect(powers.filter((power) => role?.[power])).toEqual([]);
  // These are between roles of PostgreSQL itself.
  expect(await query(url, "select from pg_auth_members")).toHaveLength(3);
  await expect(query(url, "create database another")).rejects.toThrow("permission denied");
  for (const name of ["postgres", "template1"])
    await expect(query(databaseUrl(url, name), "select 1")).rejects.toThrow("permission denied");
  for (const kind of ["true", "database"])
    await expect(query(`${url}&replication=${kind}`, "select 1")).rejects.toThrow("max_wal_senders");
  const rules = await query(await adminUrl(url), "select database, user_name, auth_method from pg_hba_file_rules");
  expect(rules).toEqual([{ database: ["all"], user_name: ["all"], auth_method: "scram-sha-256" }]);
  await query(url, "create table own (word text)");
});

test("a command joins the database of a chattera that runs, and says when none is up", async () => {
  const { url } = await start();
  expect(await joinEmbedded({ dataDir: folder })).toBe(url);
  await stopAll();
  await expect(joinEmbedded({ dataDir: folder })).rejects.toThrow(/is starting or stopping.*try again/);
});

test("a connection needs the password, and is no superuser's", async () => {
  const { url } = await start();
  const guess = new URL(url);
  guess.password = "guess";
  await expect(query(guess.href, "select 1")).rejects.toThrow("password authentication failed");
  expect(await query(url, "select rolsuper from pg_roles where rolname = current_user")).toEqual([{ rolsuper: false }]);
  expect((await stat(join(folder, "password"))).mode & 0o777).toBe(0o600);
});

test("a given setting overrides the default", async () => {
  const { url } = await start({ settings: { work_mem: "2MB" } });
  expect(await query(url, "show work_mem")).toEqual([{ work_mem: "2MB" }]);
});

test("a second start in the same folder fails with the number of the process that uses it", async () => {
  await start();
  const refused = await startError({});
  expect(refused.message).toContain(`${folder} is in use by process ${process.pid}`);
  expect(refused.inUse).toBe(true);
});

test("a lock is stale if its number belongs to a younger process", async () => {
  await writeFile(join(folder, "owner.lock"), `${process.pid} 1`);
  await start();
});

test("a lock from another container holds while it is touched, and is stale after that", async () => {
  const lock = join(folder, "owner.lock");
  await writeFile(lock, "1 1 pid:[1]");
  const touching = setInterval(() => utimes(lock, new Date(), new Date()), 500);
  const refused = await startError({}).finally(() => clearInterval(touching));
  expect(refused.message).toContain(`${folder} is in use by a chattera in another container`);
  expect(refused.inUse).toBe(true);
  await start();
});

test("stopping leaves no process and no lock, also when it is called twice", async () => {
  const database = await start();
  const pid = await serverPid();
  expect(await isAlive(pid)).toBe(true);
  await Promise.all([database.stop(), database.stop()]);
  expect(await isAlive(pid)).toBe(false);
  expect(await readdir(folder)).not.toContain("owner.lock");
});

test("after chattera is killed, its server stops by itself", async () => {
  const killed = await startInChild();
  const pid = await serverPid();
  killed.child.kill("SIGKILL");
  await until(async () => !(await isAlive(pid)));
});

test("after chattera is killed with all that it started, the next start stops the server that it left, and keeps the data", async () => {
  const killed = await startInChild();
  await query(killed.url, "insert into kept values ('before the kill')");
  const pid = await serverPid();
  const others = spawnSync("pgrep", ["-P", String(killed.child.pid)], { encoding: "utf8" })
    .stdout.trim()
    .split("\n");
  for (const other of others.map(Number)) if (other !== pid) process.kill(other, "SIGKILL");
  killed.child.kill("SIGKILL");
  await once(killed.child, "exit");
  expect(await isAlive(pid)).toBe(true);

  const reported: string[] = [];
  const { url } = await start({ report: (line) => reported.push(line) });
  expect(reported).toEqual([`Stopping PostgreSQL (process ${pid}), which an earlier chattera left running.`]);
  expect(await isAlive(pid)).toBe(false);
  expect(await query(url, "select count(*)::int as n from kept where word = 'before the kill'")).toEqual([{ n: 1 }]);
});

test("a server that dies is restarted on the same port", async () => {
  let noticed = (_line: string) => {};
  const notice = new Promise<string>((resolve) => {
    noticed = resolve;
  });
  const { url } = await start({ report: noticed });
  const pid = await serverPid();
  process.kill(pid, "SIGKILL");
  expect(await notice).toContain("ended unexpectedly");
  await until(() =>
    query(url, "select 1").then(
      () => true,
      () => false,
    ),
  );
  expect(await serverPid()).not.toBe(pid);
});

test("a process that got the old server's number after a reboot goes on and does not prevent a start", async () => {
  const stranger = spawn("sleep", ["60"], { ...databaseUser() });
  await once(stranger, "spawn");
  await writeFile(join(folder, "postgresql", "postmaster.pid"), `${stranger.pid}\n${folder}\n`);
  await start();
  expect(await isAlive(stranger.pid as number)).toBe(true);
  stranger.kill();
});

test("a start that was killed while it created the database does not disturb the next one", async () => {
  const dataDir = await emptyFolder("killed-early");
  // Each leaves a folder, in which its initdb may still be writing.
  const unfinished = async () => (await readdir(dataDir)).filter((name) => name.startsWith("new"));
  for (const n of [1, 2, 3]) {
    const child = holdDatabase(dataDir);
    await until(async () => (await unfinished()).length === n);
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  const { url } = await start({ dataDir });
  expect(await query(url, "select 1 as one")).toEqual([{ one: 1 }]);
  await stopAll();
  await start({ dataDir });
  expect(await unfinished()).toEqual([]);
}, 60_000);

test("variables for another PostgreSQL in the environment do not reach the embedded one", async () => {
  const others = {
    PGSSLMODE: "require",
    PGSSLNEGOTIATION: "direct",
    PGREPLICATION: "true",
    PGOPTIONS: "-c search_path=nosuch -c default_transaction_read_only=on",
    PGHOST: "192.0.2.1",
    PGUSER: "nobody",
    PGPASSWORD: "guess",
    PGDATABASE: "another",
  };
  Object.assign(process.env, others);
  try {
    const { url } = await start();
    await migrate(url);
  } finally {
    for (const name of Object.keys(others)) delete process.env[name];
  }
});

test("data that was copied without its empty folders starts, and has its rows", async () => {
  const pgData = join(folder, "postgresql");
  for (const { name, parentPath } of await readdir(pgData, { recursive: true, withFileTypes: true }))
    await rmdir(join(parentPath, name)).catch(() => undefined);
  expect(await readdir(pgData)).not.toContain("pg_notify");
  const { url } = await start();
  expect(await query(url, "select word from kept limit 1")).toEqual([{ word: "hello" }]);
});

test("an empty file of the server's number, which a loss of power left, does not prevent a start", async () => {
  await writeFile(join(folder, "postgresql", "postmaster.pid"), "");
  await start();
});

test("a lock that cannot be read ends the start", async () => {
  const lock = join(folder, "owner.lock");
  await mkdir(lock);
  const { message } = await startError({});
  await rmdir(lock);
  expect(message).toContain("EISDIR");
});

test.each(["", "\0\0", "eighteen\n"])(
  "data whose version is %j is called incomplete, and is not changed",
  async (text) => {
    const file = join(folder, "postgresql", "PG_VERSION");
    const version = await readFile(file, "utf8");
    await writeFile(file, text);
    const { message } = await startError({});
    await rm(file);
    const gone = await startError({});
    await writeFile(file, version);
    expect(message).toBe(`The data in ${folder} is incomplete: restore all of it, or set DATA_DIR to a new folder.`);
    expect(gone.message).toBe(message);
  },
);

test("data of another major version is refused and not changed", async () => {
  const file = join(folder, "postgresql", "PG_VERSION");
  const version = await readFile(file, "utf8");
  await writeFile(file, "15\n");
  const { message } = await startError({});
  await writeFile(file, version);
  expect(message).toContain("is from PostgreSQL 15, but this chattera has PostgreSQL 18");
});

test("data is refused and not replaced if its password file is missing or wrong", async () => {
  const file = join(folder, "password");
  const password = await readFile(file);
  await rm(file);
  const gone = await startError({});
  await writeFile(file, "guess", { mode: 0o600 });
  const other = await startError({});
  await writeFile(file, password, { mode: 0o600 });
  expect(gone.message).toContain(`${file} is missing`);
  expect(other.message).toContain("is not this database's");
  expect(await readdir(join(folder, "postgresql"))).not.toContain("postmaster.pid");
});

test("a file instead of the data folder is refused", async () => {
  const dataDir = join(place, "file");
  await writeFile(dataDir, "");
  expect((await startError({ dataDir })).message).toContain("is not a folder");
});

test("a full disk, too little memory, too few open files and any other failure is reported in one sentence", () => {
  const full = 'initdb: error: could not write to file "x": No space left on device';
  expect(failureOf(full, "/data").message).toBe(
    "The disk that holds /data is full: free some space, or set DATA_DIR to a folder on another disk.",
  );
  expect(failureOf("FATAL:  could not map anonymous shared memory: Cannot allocate memory", "/data").message).toContain(
    "not enough memory",
  );
  const few = "FATAL:  insufficient file descriptors available to start server process";
  expect(failureOf(few, "/data").message).toContain("may open too few files: raise the limit (ulimit -n");
  const starting = "12:00 [2] FATAL:  the database system is starting up";
  expect(failureOf(`LOG:  starting\n${starting}\n12:00 [1] FATAL:  something else\nLOG:  end`, "/data").message).toBe(
    "PostgreSQL did not start in /data. Its last words: 12:00 [1] FATAL:  something else",
  );
});

test("on a platform without a package, the error names DATABASE_URL", () => {
  expect(() => packagedPrograms("aix", "ppc64")).toThrow(/no PostgreSQL of its own for aix ppc64.*set DATABASE_URL/);
});

test("on musl, the error names the GNU C library and DATABASE_URL, however the program failed", () => {
  for (const code of ["ENOENT", 127, "SIGSEGV"]) {
    const { message } = cannotRun({ code, output: "symbol not found" }, undefined, { isMusl: true, hasFile: true });
    expect(message).toMatch(/GNU C library.*musl.*node:24-slim, or set DATABASE_URL to [^.]*\.$/);
  }
});

test("programs whose loader is missing, or that are missing, are reported without naming musl", async () => {
  const native = await fakePackage("loader");
  const program = join(native, "bin", "postgres");
  await writeFile(program, "#!/no/such/loader\n", { mode: 0o755 });
  await expect(findPrograms(native, place, databaseUser())).rejects.toThrow(/needs a loader.*: set DATABASE_URL/);
  await rm(program);
  await expect(findPrograms(native, place, databaseUser())).rejects.toThrow(
    /incomplete: install again, or set DATABASE/,
  );
});

test("links between the libraries are created if npm has not created them", async () => {
  const native = await packageWithoutLinks("unlinked");
  const programs = { folder: native, major: "18" };
  expect((await runProgram({ programs, user: databaseUser() }, "postgres", ["--version"])).code).toBe(127);
  expect(await findPrograms(native, place, databaseUser())).toEqual(programs);
  expect((await lstat(join(native, "lib", "libicuuc.so.60"))).isSymbolicLink()).toBe(true);
});

asOrdinaryUser("if links cannot be created, the programs are copied into the data folder", async () => {
  const native = await packageWithoutLinks("unwritable");
  const dataDir = await emptyFolder("unwritable-data");
  await chmod(join(native, "lib"), 0o555);
  const { folder: copy } = await findPrograms(native, dataDir, undefined);
  await chmod(join(native, "lib"), 0o755);
  expect(copy.startsWith(dataDir)).toBe(true);
});

asOrdinaryUser("a folder that is not writable is refused", async () => {
  const dataDir = await emptyFolder("read-only");
  await chmod(dataDir, 0o555);
  expect((await startError({ dataDir })).message).toContain(`${dataDir} cannot be written`);
});

asRoot("programs that the database's user cannot reach are copied into the data folder, once", async () => {
  const closed = await emptyFolder("closed");
  await chmod(closed, 0o700);
  await symlink(packagedPrograms(), join(closed, "native"));
  await symlink(join(packagedPrograms(), "..", "package.json"), join(closed, "package.json"));
  const { url } = await start({ programs: join(closed, "native") });
  expect(await query(url, "select word from kept limit 1")).toEqual([{ word: "hello" }]);
  const [copy] = (await readdir(folder)).filter((name) => name.startsWith("programs-"));
  const made = (await stat(join(folder, copy as string))).ctimeMs;
  await stopAll();
  await start({ programs: join(closed, "native") });
  expect((await stat(join(folder, copy as string))).ctimeMs).toBe(made);
});

asRoot("a data folder that the database's user cannot reach is refused", async () => {
  const closed = await emptyFolder("closed-data");
  await chmod(closed, 0o700);
  expect((await startError({ dataDir: join(closed, "data") })).message).toMatch(
    /cannot be reached by user 65534.*closed-data is closed.*set DATA_DIR/,
  );
});

asRoot("a database user without an entry in /etc/passwd is refused", async () => {
  const systemUser = { uid: 61234, gid: 61234 };
  const { message } = await startError({ dataDir: join(place, "nameless"), systemUser });
  expect(message).toContain("User 61234 has no entry in /etc/passwd");
});

asRoot("the default folder of root is one that the database's user can reach", async () => {
  expect(defaultDataDir()).toBe("/var/lib/chattera");
});

asOrdinaryUser("the default folder of an ordinary user is in the current one", async () => {
  expect(defaultDataDir()).toBe(join(process.cwd(), "data"));
});

async function start(options: Parameters<typeof startEmbedded>[0] = {}): Promise<EmbeddedDatabase> {
  const database = await startEmbedded({ dataDir: folder, ...options });
  running.push(database);
  return database;
}

async function stopAll(): Promise<void> {
  for (const database of running.splice(0)) await database.stop();
}

/** Returns the URL of the superuser, as an operator uses it for a backup. */
async function adminUrl(url: string): Promise<string> {
  const admin = new URL(databaseUrl(url, "postgres"));
  admin.username = "postgres";
  admin.password = await readFile(join(folder, "password"), "utf8");
  return admin.href;
}

async function startError(options: Parameters<typeof startEmbedded>[0]): Promise<StartError> {
  const error = await start(options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(StartError);
  return error as StartError;
}

async function startInChild(): Promise<{ url: string; child: ChildProcess }> {
  const child = holdDatabase(folder);
  const [url] = await once(createInterface(child.stdout as Readable), "line");
  return { url, child };
}

function holdDatabase(dataDir: string): ChildProcess {
  const program = fileURLToPath(new URL("../support/hold-database.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", program, dataDir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  running.push({ stop: async () => void child.kill("SIGKILL") });
  return child;
}

async function serverPid(): Promise<number> {
  return Number.parseInt(await readFile(join(folder, "postgresql", "postmaster.pid"), "utf8"), 10);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(setImmediate);
}

async function emptyFolder(name: string): Promise<string> {
  const path = join(place, name);
  await mkdir(path);
  return path;
}

async function fakePackage(name: string): Promise<string> {
  const path = await emptyFolder(name);
  await mkdir(join(path, "native", "bin"), { recursive: true });
  await cp(join(packagedPrograms(), "..", "package.json"), join(path, "package.json"));
  return join(path, "native");
}

/**
 * Returns a package as npm --ignore-scripts installs it, with all that the program `postgres`
 * needs.
 */
async function packageWithoutLinks(name: string): Promise<string> {
  const native = await fakePackage(name);
  await cp(packagedPrograms(), native, {
    recursive: true,
    filter: async (path) => !/\.a$|share$/.test(path) && !(await lstat(path)).isSymbolicLink(),
  });
  return native;
}
