import { OR_DATABASE_URL, StartError } from "../start-error.ts";

/**
 * Returns an error with a sentence that an operator can act on, from the output of PostgreSQL or a
 * message of the system about the data folder.
 */
export function failureOf(output: string, folder: string, cause?: unknown): StartError {
  const sentence = SENTENCES.find(({ pattern }) => pattern.test(output))?.sentence(folder, output);
  // The connection that waits for the server is refused meanwhile, which is logged as FATAL too.
  const line =
    output.match(/^.*(?:FATAL|PANIC|error): (?!.*the database system is starting up).*$/m)?.[0] ??
    output.trim().split("\n").at(-1);
  return new StartError(sentence ?? `PostgreSQL did not start in ${folder}. Its last words: ${line}`, { cause });
}

const SENTENCES: { pattern: RegExp; sentence: (folder: string, output: string) => string }[] = [
  {
    pattern: /No space left on device|ENOSPC|Disk quota exceeded|EDQUOT|wrote only \d+ of/i,
    sentence: (folder) =>
      `The disk that holds ${folder} is full: free some space, or set DATA_DIR to a folder on another disk.`,
  },
  {
    pattern: /insufficient file descriptors|Too many open files|EMFILE/,
    sentence: () =>
      "PostgreSQL and this process may open too few files: raise the limit (ulimit -n, or LimitNOFILE of systemd), " +
      `${OR_DATABASE_URL}.`,
  },
  {
    pattern: /could not look up effective user ID/,
    sentence: (_folder, output) =>
      `User ${output.match(/user ID (\d+)/)?.[1]} has no entry in /etc/passwd, which PostgreSQL needs: run chattera as a ` +
      `user that has one (as root: set CHATTERA_PG_UID to the number of such a user), ${OR_DATABASE_URL}.`,
  },
  {
    pattern: /user with administrative permissions is not permitted/, // [Windows]
    sentence: () =>
      `PostgreSQL refuses to run for an administrator: run chattera as an ordinary user, ${OR_DATABASE_URL}.`,
  },
  {
    pattern: /could not map anonymous shared memory|could not resize shared memory|Cannot allocate memory|ENOMEM/,
    sentence: () =>
      `There is not enough memory for PostgreSQL, which needs 20 to 70 MB: free some, ${OR_DATABASE_URL}.`,
  },
  {
    pattern: /EROFS|Read-only file system/i,
    sentence: (folder) => `${folder} is read-only: set DATA_DIR to a folder that can be written, ${OR_DATABASE_URL}.`,
  },
  {
    pattern: /EACCES|EPERM|Permission denied|Operation not permitted|wrong ownership/i,
    sentence: (folder) =>
      `${folder} cannot be written by the user that chattera runs as: make that user its owner, or set DATA_DIR to ` +
      "another folder.",
  },
  {
    pattern: /ENOENT.*mkdir/,
    sentence: (folder) => `${folder} cannot be created: create it yourself, or set DATA_DIR to another folder.`,
  },
  {
    pattern: /EEXIST|ENOTDIR/,
    sentence: (folder) =>
      `${folder} is not a folder: set DATA_DIR to one, or to a path at which a folder can be created.`,
  },
];
