import { open, rename, rm } from "node:fs/promises";
import type { Writable } from "node:stream";
import { StartError } from "../../db/start-error.ts";

/** Stands for standard input or output. */
export const STANDARD = "-";

/**
 * Writes `parts` to a file, which gets its name when it is complete and on the disk. Only its owner
 * can read it. "-" is standard output.
 */
export async function writeFileOf(name: string, write: (out: Writable) => Promise<void>): Promise<void> {
  if (name === STANDARD) return write(process.stdout);
  const unfinished = `${name}.unfinished`;
  try {
    await rm(unfinished, { force: true });
    const file = await open(unfinished, "wx", 0o600);
    await write(file.createWriteStream({ flush: true }));
    await rename(unfinished, name);
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => undefined);
    throw explained(error, name);
  }
}

/** Returns a StartError for a file that cannot be read or written, and any other error as it is. */
export function explained(error: unknown, name: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined || !["open", "read", "write", "rename", "fsync", "close"].includes(syscall)) return error;
  const reason = REASONS[code ?? ""] ?? `the system says ${code}`;
  return new StartError(`${name} cannot be used: ${reason}.`, { cause: error });
}

const REASONS: { [code: string]: string } = {
  ENOENT: "there is no such file or folder",
  EACCES: "this user may not read or write it",
  EPERM: "this user may not read or write it",
  EISDIR: "it is a folder, and a file is needed",
  ENOTDIR: "a part of its path is a file, not a folder",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk is full",
  EROFS: "the disk is read-only",
};
