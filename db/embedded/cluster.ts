import { randomBytes } from "node:crypto";
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { OR_DATABASE_URL, StartError } from "../start-error.ts";
import { failureOf } from "./failure.ts";
import { isAlive } from "./process-status.ts";
import { type Programs, runProgram } from "./programs.ts";
import { type DatabaseUser, giveTo } from "./user.ts";

/**
 * A data folder that is ready for its server. `pgData` is PostgreSQL's part of it, and `password`
 * the password of its superuser.
 */
export type Cluster = { folder: string; pgData: string; password: string; programs: Programs; user: DatabaseUser };

/** The data folder to open. `report` receives lines for the operator. */
export type ClusterOptions = Pick<Cluster, "folder" | "programs" | "user"> & { report(line: string): void };

/**
 * Creates PostgreSQL's files at the first start. At later starts, checks them and stops a server
 * that a killed chattera left running.
 */
export async function openCluster({ folder, programs, user, report }: ClusterOptions): Promise<Cluster> {
  const pgData = join(folder, "postgresql");
  const isNew = !(await stat(pgData).catch(() => undefined));
  const cluster = { folder, pgData, password: await passwordIn(folder, isNew), programs, user };
  if (isNew) {
    report(`Creating a new database in ${folder}.`);
    await create(cluster);
  } else {
    await requireSameMajor(cluster);
    await makeEmptyFolders(cluster);
    await giveTo(pgData, user);
    // PostgreSQL refuses a folder that others can read, for example one restored from a backup.
    await chmod(pgData, 0o700);
    await stopLeftOver(cluster, report);
    await removeUnfinished(folder);
  }
  await writeFile(join(pgData, "pg_hba.conf"), HOSTS);
  return cluster;
}

async function passwordIn(folder: string, isNew: boolean): Promise<string> {
  const file = join(folder, "password");
  const password = await readFile(file, "utf8").catch(unlessMissing);
  if (password) return password;
  if (!isNew) throw new StartError(`${file} is missing, and the data next to it cannot be opened without: restore it.`);
  const made = randomBytes(24).toString("base64url");
  await writeFile(`${file}.new`, made, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
  return made;
}

function unlessMissing(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "";
  throw error;
}

/**
 * The files get their name when they are complete. A start that was killed halfway begins again, in
 * a folder of its own, because the initdb of the killed one may still be writing.
 */
async function create(cluster: Cluster): Promise<void> {
  const { folder, pgData, password, user } = cluster;
  const unfinished = await mkdtemp(join(folder, UNFINISHED));
  await writeFile(join(unfinished, "password"), password, { mode: 0o600 });
  if (user) {
    await chown(join(unfinished, "password"), user.uid, user.gid);
    await chown(unfinished, user.uid, user.gid);
  }
  const args = ["-D", join(unfinished, "postgresql"), "-U", "postgres", `--pwfile=${join(unfinished, "password")}`];
  const { code, output } = await runProgram(cluster, "initdb", [...args, ...INITDB]);
  if (code === 0) await rename(join(unfinished, "postgresql"), pgData);
  await removeUnfinished(folder);
  if (code !== 0) throw failureOf(output, folder);
}

/** Removes the folders of this start and of killed ones, or leaves them to the next start. */
async function removeUnfinished(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith(UNFINISHED))
      await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
}

/** Earlier versions used the name without more letters. */
const UNFINISHED = "new";

/**
 * [PostgreSQL 20.1] Allows connections over loopback with a password only. The file of initdb also
 * allows replication, and all roles over the socket.
 */
const HOSTS = `# Written by chattera at every start.
host all all 127.0.0.1/32 scram-sha-256
`;

/** The builtin C.UTF-8 needs no locale of the system and sorts the same on every machine. */
const INITDB = "-A scram-sha-256 -E UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8".split(" ");

async function requireSameMajor({ folder, pgData, programs }: Cluster): Promise<void> {
  const written = (await readFile(join(pgData, "PG_VERSION"), "utf8").catch(unlessMissing)).trim();
  if (written === programs.major) return;
  if (!/^\d+$/.test(written))
    throw new StartError(`The data in ${folder} is incomplete: restore all of it, or set DATA_DIR to a new folder.`);
  const remedy =
    Number(written) < Number(programs.major)
      ? "run chattera upgrade-database"
      : `install the chattera that wrote it, set DATA_DIR to a new folder, ${OR_DATABASE_URL}`;
  throw new StartError(
    `The data in ${folder} is from PostgreSQL ${written}, but this chattera has PostgreSQL ${programs.major}: ${remedy}.`,
  );
}

/**
 * Folders without which PostgreSQL does not start, although they are empty while it is stopped.
 * Many tools that copy files leave out folders that are empty, for example git and object stores.
 */
const EMPTY_FOLDERS = [
  ...["pg_commit_ts", "pg_dynshmem", "pg_notify", "pg_replslot", "pg_serial", "pg_snapshots", "pg_stat", "pg_stat_tmp"],
  ...["pg_tblspc", "pg_twophase", "pg_logical/mappings", "pg_logical/snapshots", "pg_wal/archive_status"],
  "pg_wal/summaries",
];

/** If the folder above is missing too, more than empty folders is, and PostgreSQL names it. */
async function makeEmptyFolders({ pgData, user }: Cluster): Promise<void> {
  for (const name of EMPTY_FOLDERS) {
    const folder = join(pgData, name);
    const isMade = await mkdir(folder, 0o700).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === "EEXIST" || error.code === "ENOENT") return false;
        throw error;
      },
    );
    if (isMade && user) await chown(folder, user.uid, user.gid);
  }
}

/**
 * If chattera is killed, its PostgreSQL goes on, without its parent's pipes but with its data
 * intact.
 */
async function stopLeftOver(cluster: Cluster, report: (line: string) => void): Promise<void> {
  const { pgData } = cluster;
  const pidFile = join(pgData, "postmaster.pid");
  const text = await readFile(pidFile, "utf8").catch(() => undefined);
  // Left by a machine that lost its power. PostgreSQL would wait for somebody to remove it.
  if (text?.trim() === "") await rm(pidFile);
  const lines = (text ?? "").split("\n");
  const pid = Number(lines[0]);
  if (!(await isAlive(pid))) return;
  if (!(await servesFolder(pid, pgData))) {
    // After a reboot another process got the number. PostgreSQL would refuse to start because of
    // it, but accepts the number of its own parent. The other lines stay: PostgreSQL uses them to
    // check that no old process still has the data open.
    await writeFile(pidFile, [process.pid, ...lines.slice(1)].join("\n"));
    return;
  }
  report(`Stopping PostgreSQL (process ${pid}), which an earlier chattera left running.`);
  const stop = (mode: string) => runProgram(cluster, "pg_ctl", ["stop", "-D", pgData, "-m", mode, "-t", "30"]);
  if ((await stop("fast")).code !== 0) await stop("immediate");
}

/**
 * Returns whether the process is a PostgreSQL in this folder. Except on Linux, trusts the pid file.
 */
async function servesFolder(pid: number, pgData: string): Promise<boolean> {
  if (process.platform !== "linux") return true;
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => "");
  return cwd === (await realpath(pgData));
}
