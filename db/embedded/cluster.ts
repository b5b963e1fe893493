import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, readFile, readlink, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { explain, OR_DATABASE_URL, StartError } from "../start-error.ts";
import { isAlive } from "./lock.ts";
import { type Programs, runProgram } from "./programs.ts";
import { type DatabaseUser, giveTo } from "./user.ts";

/** A data folder ready for its server: `pgData` is PostgreSQL's own part of it, `password` its superuser's. */
export type Cluster = { folder: string; pgData: string; password: string; programs: Programs; user: DatabaseUser };

/** Makes the database's files at the first start; afterwards finds them, and stops a server a dead chattera left. */
export async function openCluster(
  folder: string,
  programs: Programs,
  user: DatabaseUser,
  say: (line: string) => void,
): Promise<Cluster> {
  const pgData = join(folder, "postgresql");
  const isNew = !(await stat(pgData).catch(() => undefined));
  const cluster = { folder, pgData, password: await passwordIn(folder, isNew), programs, user };
  if (isNew) {
    say(`Making a new database in ${folder}.`);
    await create(cluster);
  } else {
    await requireSameMajor(cluster);
    await giveTo(pgData, user);
    await chmod(pgData, 0o700); // PostgreSQL refuses a folder that others may read, as one restored from a backup
    await stopLeftOver(cluster, say);
  }
  await writeFile(join(pgData, "pg_hba.conf"), HOSTS);
  return cluster;
}

async function passwordIn(folder: string, isNew: boolean): Promise<string> {
  const file = join(folder, "password");
  const password = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  if (password) return password;
  if (!isNew) throw new StartError(`${file} is missing, without which the data beside it stays shut: restore it.`);
  const made = randomBytes(24).toString("base64url");
  await writeFile(`${file}.new`, made, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
  return made;
}

/** The files get their name when they are complete: a start that was killed halfway begins anew the next time. */
async function create({ folder, pgData, password, programs, user }: Cluster): Promise<void> {
  const unfinished = join(folder, "new");
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await writeFile(join(unfinished, "password"), password, { mode: 0o600 });
  if (user) {
    await chown(join(unfinished, "password"), user.uid, user.gid);
    await chown(unfinished, user.uid, user.gid);
  }
  const args = ["-D", join(unfinished, "postgresql"), "-U", "postgres", `--pwfile=${join(unfinished, "password")}`];
  const { code, said } = await runProgram(programs, "initdb", [...args, ...INITDB], user);
  if (code === 0) await rename(join(unfinished, "postgresql"), pgData);
  await rm(unfinished, { recursive: true, force: true });
  if (code !== 0) throw explain(said, folder);
}

/**
 * [PostgreSQL 20.1] Allows connections over loopback with a password only. initdb's own file also allows replication, and
 * all roles by the socket.
 */
const HOSTS = `# Written by chattera at every start.
host all all 127.0.0.1/32 scram-sha-256
`;

/** The builtin C.UTF-8 needs no locale of the system and sorts the same on every machine. */
const INITDB = "-A scram-sha-256 -E UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8".split(" ");

async function requireSameMajor({ folder, pgData, programs }: Cluster): Promise<void> {
  const written = (await readFile(join(pgData, "PG_VERSION"), "utf8")).trim();
  if (written === programs.major) return;
  throw new StartError(
    `The data in ${folder} is of PostgreSQL ${written} but this chattera brings ${programs.major}: go back to the ` +
      `chattera that wrote it, set DATA_DIR to a new folder, ${OR_DATABASE_URL}.`,
  );
}

/** When chattera is killed its PostgreSQL lives on, with its parent's pipes gone but all data well. */
async function stopLeftOver({ pgData, programs, user }: Cluster, say: (line: string) => void): Promise<void> {
  const pidFile = join(pgData, "postmaster.pid");
  const lines = (await readFile(pidFile, "utf8").catch(() => "")).split("\n");
  const pid = Number(lines[0]);
  if (!(await isAlive(pid))) return;
  if (!(await servesFolder(pid, pgData))) {
    // The number was given to a stranger after a reboot. PostgreSQL would refuse to start beside it, but not beside its
    // own parent; the other lines stay, as by them it makes sure that no old process still has the data open.
    await writeFile(pidFile, [process.pid, ...lines.slice(1)].join("\n"));
    return;
  }
  say(`Stopping the PostgreSQL (process ${pid}) that an earlier chattera left running.`);
  const stop = (mode: string) => runProgram(programs, "pg_ctl", ["stop", "-D", pgData, "-m", mode, "-t", "30"], user);
  if ((await stop("fast")).code !== 0) await stop("immediate");
}

/** Whether the process is a PostgreSQL at work in this folder. Where the system does not tell, its pid file counts. */
async function servesFolder(pid: number, pgData: string): Promise<boolean> {
  if (process.platform !== "linux") return true;
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => "");
  return cwd === (await realpath(pgData));
}
