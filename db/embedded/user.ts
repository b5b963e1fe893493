import { chmod, lchown, mkdir, readdir, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StartError } from "../start-error.ts";

/** The system user PostgreSQL runs as; `undefined` where that is the user chattera itself runs as. */
export type DatabaseUser = { uid: number; gid: number } | undefined;

/** The user `nobody`, which exists on every Linux. Other services may use it too, so a separate one is better. */
export const NOBODY = { uid: 65534, gid: 65534 };

/** Returns the system user that PostgreSQL runs as. PostgreSQL refuses to run as root, so root uses `systemUser`. */
export function databaseUser(systemUser = NOBODY): DatabaseUser {
  return process.getuid?.() === 0 ? systemUser : undefined;
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
