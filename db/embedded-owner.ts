import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StartError } from "./start-error.ts";

/**
 * Takes the data folder for this process and returns how to let it go. The lock is a file with this process's number
 * and start time: after a crash or a reboot the number may be another process's, and is told apart by its start time.
 */
export async function ownFolder(folder: string): Promise<() => Promise<void>> {
  const lock = join(folder, "owner.lock");
  const mine = join(folder, `owner.${randomUUID()}`);
  await writeFile(mine, await describe(process.pid), { mode: 0o600 });
  try {
    while (!(await linked(mine, lock))) await removeStale(lock, folder);
  } finally {
    await rm(mine, { force: true });
  }
  return () => rm(lock, { force: true });
}

/** "1234 56789": the process's number and, where the system tells it, its start in clock ticks since the boot. */
async function describe(pid: number): Promise<string> {
  return `${pid} ${(await statusOf(pid))[START] ?? ""}`.trim();
}

/** [proc(5)] What follows the program's name, which stands in brackets and may hold spaces; on Linux only. */
async function statusOf(pid: number): Promise<string[]> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return status.slice(status.lastIndexOf(")") + 2).split(" ");
}

/** [proc(5)] The fields number 3 and 22 of the whole line. */
const STATE = 0;
const START = 19;

/** A hard link appears at once and with its content, or fails because the lock is taken. */
async function linked(mine: string, lock: string): Promise<boolean> {
  return link(mine, lock).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") return false;
      throw error;
    },
  );
}

async function removeStale(lock: string, folder: string): Promise<void> {
  const owner = await readFile(lock, "utf8").catch(() => undefined);
  if (owner === undefined) return;
  const pid = Number.parseInt(owner, 10);
  if ((await isAlive(pid)) && (await describe(pid)) === owner) {
    throw new StartError(
      `${folder} is in use by process ${pid}: stop that one, or set DATA_DIR to another folder for this one.`,
      { inUse: true },
    );
  }
  await setAside(lock, owner);
}

/** Of two processes that find the same stale lock only one can rename it; it looks what it has in hand and drops it. */
async function setAside(lock: string, stale: string): Promise<void> {
  const aside = `${lock}.${randomUUID()}`;
  const renamed = await rename(lock, aside).then(
    () => true,
    () => false,
  );
  if (!renamed) return;
  if ((await readFile(aside, "utf8")) !== stale) await linked(aside, lock);
  await rm(aside, { force: true });
}

/** Whether a process of this number runs, whoever owns it. One that has ended and waits for its parent does not. */
export async function isAlive(pid: number): Promise<boolean> {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return (await statusOf(pid))[STATE] !== "Z";
}
