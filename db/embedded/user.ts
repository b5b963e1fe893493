import { chmod, lchown, mkdir, readdir, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StartError } from "../start-error.ts";

/** The system user PostgreSQL runs as; `undefined` where that is the user chattera itself runs as. */
export type DatabaseUser = { uid: number; gid: number } | undefined;

/**
 * PostgreSQL refuses to run as root. 65534 is `nobody`, which is there on every Linux; other services may share it, so
 * that a user of its own is better where there is one: CHATTERA_PG_UID and CHATTERA_PG_GID.
 */
export function databaseUser(env = process.env): DatabaseUser {
  if (process.getuid?.() !== 0) return undefined;
  const uid = numberOf("CHATTERA_PG_UID", env.CHATTERA_PG_UID || "65534");
  return { uid, gid: numberOf("CHATTERA_PG_GID", env.CHATTERA_PG_GID || String(uid)) };
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new StartError(`${name} is "${text}": set it to the number of a user that is not root, e.g. 65534.`);
}

/** Makes the data folder if it is missing. Others may pass through what we make for `user`, but not list it. */
export async function makeFolder(folder: string, user: DatabaseUser): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (!user) return;
  for (let made = folder; first && made.length >= first.length; made = dirname(made)) await chmod(made, 0o711);
  await requireReachable(folder, user);
}

async function requireReachable(folder: string, user: { uid: number; gid: number }): Promise<void> {
  for (let at = await realpath(folder); ; at = dirname(at)) {
    const { mode, uid, gid } = await stat(at);
    const searchBit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & searchBit) === 0) {
      throw new StartError(
        `${folder} cannot be reached by user ${user.uid}, as whom PostgreSQL runs (root may not run it), because ${at} ` +
          `is closed to others: set DATA_DIR to a folder outside it, e.g. /var/lib/chattera.`,
      );
    }
    if (dirname(at) === at) return;
  }
}

/** Gives a folder and all in it to `user`, if it is not theirs yet: made by another user, or restored from a backup. */
export async function giveTo(folder: string, user: DatabaseUser): Promise<void> {
  if (!user || (await stat(folder)).uid === user.uid) return;
  for (const name of await readdir(folder, { recursive: true })) await lchown(join(folder, name), user.uid, user.gid);
  // the folder comes last: one that was given halfway when the power went is given again at the next start
  await lchown(folder, user.uid, user.gid);
}
