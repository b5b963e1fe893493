import { randomUUID } from "node:crypto";
import { link, readFile, readlink, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { StartError } from "../start-error.ts";

/**
 * Takes the data folder for this process and returns how to let it go. The lock is a file with this process's number
 * and start time: after a crash or a reboot the number may be another process's, and is told apart by its start time.
 * Of a process in another container neither can be seen: there it counts that the lock is touched again and again.
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
  const touching = setInterval(() => touch(lock), TOUCH_MS).unref();
  return () => {
    clearInterval(touching);
    return rm(lock, { force: true });
  };
}

const TOUCH_MS = 1_000;

/** One that was not touched for so long has been left. */
const UNTOUCHED_MS = 5_000;

function touch(lock: string): void {
  const now = new Date();
  // what became of the folder is PostgreSQL's to tell
  utimes(lock, now, now).catch(() => undefined);
}

/**
 * The process's number and, where the system tells them, its start in clock ticks since the boot, and the namespace of
 * which boot that is its number in [pid_namespaces(7)]: "1234 56789 pid:[4026531836]@6fb0…".
 */
async function describe(pid: number): Promise<string> {
  return [pid, (await statusOf(pid))[START], await namespace()].filter((part) => part !== undefined).join(" ");
}

async function namespace(): Promise<string | undefined> {
  try {
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    return `${await readlink("/proc/self/ns/pid")}@${boot.trim()}`;
  } catch {
    return undefined;
  }
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
  const [number, start, space] = owner.split(" ");
  const isHere = space === undefined || space === (await namespace());
  const isUsed = isHere ? await isSame(Number(number), start) : await isTouched(lock);
  if (isUsed) {
    const user = isHere ? `process ${number}` : "a chattera in another container";
    throw new StartError(
      `${folder} is in use by ${user}: stop that one, or set DATA_DIR to another folder for this one.`,
      { inUse: true },
    );
  }
  await setAside(lock, owner);
}

async function isSame(pid: number, start: string | undefined): Promise<boolean> {
  return (await isAlive(pid)) && (await statusOf(pid))[START] === start;
}

/** Watches a lock for as long as whoever had it could go without touching it. */
async function isTouched(lock: string): Promise<boolean> {
  const touchedAt = async () => (await stat(lock).catch(() => undefined))?.mtimeMs;
  const before = await touchedAt();
  for (let waited = 0; waited < UNTOUCHED_MS; waited += TOUCH_MS) {
    await wait(TOUCH_MS);
    const now = await touchedAt();
    if (now === undefined) return false;
    if (now !== before) return true;
  }
  return false;
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
