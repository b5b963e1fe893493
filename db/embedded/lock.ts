import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { StartError } from "../start-error.ts";
import { isAlive, processNamespace, startTimeOf } from "./process-status.ts";

/**
 * Locks the data folder for this process. Returns a function that unlocks it. Throws a StartError
 * if another process has the lock.
 *
 * The lock is a file with the number and the start time of its process. After a crash or a reboot
 * another process may have the number, but not the start time. Neither can be seen of a process in
 * another container, so the owner also touches the file every second.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const lock = join(folder, "owner.lock");
  const mine = join(folder, `owner.${randomUUID()}`);
  await writeFile(mine, await describeProcess(), { mode: 0o600 });
  try {
    while (!(await isLinked(mine, lock))) await removeStale(lock, folder);
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

/** A lock that was not touched for this long is stale. */
const STALE_MS = 5_000;

function touch(lock: string): void {
  const now = new Date();
  // If the folder is gone, PostgreSQL reports it.
  utimes(lock, now, now).catch(() => undefined);
}

/**
 * Returns the number of this process, and on Linux its start time and the namespace of its number:
 * "1234 56789 pid:[4026531836]@6fb0…".
 */
async function describeProcess(): Promise<string> {
  const parts = [process.pid, await startTimeOf(process.pid), await processNamespace()];
  return parts.filter((part) => part !== undefined).join(" ");
}

/** A hard link appears at once and with its content, or fails because the lock exists. */
async function isLinked(mine: string, lock: string): Promise<boolean> {
  return link(mine, lock).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") return false;
      throw error;
    },
  );
}

async function removeStale(lock: string, folder: string): Promise<void> {
  const owner = await readFile(lock, "utf8").catch((error: NodeJS.ErrnoException) => {
    // The owner has just unlocked the folder.
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (owner === undefined) return;
  const [number, start, space] = owner.split(" ");
  const isHere = space === undefined || space === (await processNamespace());
  const isUsed = isHere ? await isSameProcess(Number(number), start) : await isTouched(lock);
  if (isUsed) {
    const user = isHere ? `process ${number}` : "a chattera in another container";
    throw new StartError(
      `${folder} is in use by ${user}: stop that one, or set DATA_DIR to another folder for this one.`,
      { inUse: true },
    );
  }
  await removeIfSame(lock, owner);
}

async function isSameProcess(pid: number, start: string | undefined): Promise<boolean> {
  return (await isAlive(pid)) && (await startTimeOf(pid)) === start;
}

/** Watches a lock for as long as an owner may leave it untouched. */
async function isTouched(lock: string): Promise<boolean> {
  const touchedAt = async () => (await stat(lock).catch(() => undefined))?.mtimeMs;
  const before = await touchedAt();
  for (let waited = 0; waited < STALE_MS; waited += TOUCH_MS) {
    await wait(TOUCH_MS);
    const now = await touchedAt();
    if (now === undefined) return false;
    if (now !== before) return true;
  }
  return false;
}

/**
 * Of two processes that find the same stale lock, only one can rename it. That one may have renamed
 * a new lock of the other, so it checks the content and puts a new lock back.
 */
async function removeIfSame(lock: string, stale: string): Promise<void> {
  const aside = `${lock}.${randomUUID()}`;
  const isRenamed = await rename(lock, aside).then(
    () => true,
    () => false,
  );
  if (!isRenamed) return;
  if ((await readFile(aside, "utf8")) !== stale) await isLinked(aside, lock);
  await rm(aside, { force: true });
}
