import { chmod, lchown, mkdir, readdir, realpath, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { StartError } from "../start-error.ts";

/** The system user that PostgreSQL runs as, or `undefined` for the user that runs chattera. */
export type DatabaseUser = { uid: number; gid: number } | undefined;

/**
 * The user `nobody`, which exists on every Linux. Other services may use it too, so a separate one
 * is better.
 */
export const NOBODY = { uid: 65534, gid: 65534 };

/** Returns `systemUser` if this process is root, because PostgreSQL refuses to run as root. */
export function databaseUser(systemUser = NOBODY): DatabaseUser {
  return process.getuid?.() === 0 ? systemUser : undefined;
}

/**
 * Returns the user that owns the database in a data folder, if this process is root and the owner
 * is another user. A command that root runs must not take the data from the user that runs
 * chattera.
 */
export async function ownerOf(dataDir: string): Promise<DatabaseUser> {
  if (process.getuid?.() !== 0) return undefined;
  const found = await stat(join(resolve(dataDir), "postgresql")).catch(() => undefined);
  return found === undefined || found.uid === 0 ? undefined : { uid: found.uid, gid: found.gid };
}

/**
 * Creates the data folder if it is missing. Throws a StartError if `user` cannot reach it. Other
 * users can pass through the folders that are created for `user`, but cannot list them.
 */
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
        `${folder} cannot be reached by user ${user.uid}, which PostgreSQL runs as (it refuses to run as root), because ` +
          `${at} is closed to others: set DATA_DIR to a folder outside it, e.g. /var/lib/chattera.`,
      );
    }
    if (dirname(at) === at) return;
  }
}

/** Makes `user` the owner of a folder and all in it. Does nothing if it owns the folder already. */
export async function giveTo(folder: string, user: DatabaseUser): Promise<void> {
  if (!user || (await stat(folder)).uid === user.uid) return;
  for (const name of await readdir(folder, { recursive: true })) await lchown(join(folder, name), user.uid, user.gid);
  // The folder comes last, so that a change that was interrupted is repeated at the next start.
  await lchown(folder, user.uid, user.gid);
}
