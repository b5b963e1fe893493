/**
 * A failure the operator can mend. Its message is one sentence that says what to do; the command line prints that and
 * no stack.
 */
export class StartError extends Error {
  override name = "StartError";
  readonly inUse: boolean;

  constructor(sentence: string, options: { cause?: unknown; inUse?: boolean } = {}) {
    super(sentence, { cause: options.cause });
    this.inUse = options.inUse ?? false;
  }
}

/** Which words end every sentence where a PostgreSQL of the operator's own is the way out. */
export const OR_DATABASE_URL = "or set DATABASE_URL to a PostgreSQL server of your own";

/** Turns what PostgreSQL or the system said about the data folder into the sentence an operator can act on. */
export function explain(said: string, folder: string, cause?: unknown): StartError {
  const sentence = SENTENCES.find(({ pattern }) => pattern.test(said))?.sentence(folder, said);
  const told = said.match(/^.*(?:FATAL|PANIC|error): .*$/m)?.[0] ?? said.trim().split("\n").at(-1);
  return new StartError(sentence ?? `PostgreSQL did not start in ${folder}; it said: ${told}`, { cause });
}

const SENTENCES: { pattern: RegExp; sentence: (folder: string, said: string) => string }[] = [
  {
    pattern: /No space left on device|ENOSPC|Disk quota exceeded|EDQUOT|wrote only \d+ of/i,
    sentence: (folder) =>
      `The disk that holds ${folder} is full: free some space, or set DATA_DIR to a folder on another disk.`,
  },
  {
    pattern: /could not look up effective user ID/,
    sentence: (_folder, said) =>
      `User ${said.match(/user ID (\d+)/)?.[1]} has no entry in /etc/passwd, which PostgreSQL needs: run chattera as a ` +
      `user that has one (as root: set CHATTERA_PG_UID to such a user's number), ${OR_DATABASE_URL}.`,
  },
  {
    pattern: /user with administrative permissions is not permitted/, // [Windows]
    sentence: () =>
      `PostgreSQL refuses to run for an administrator: run chattera as an ordinary user, ${OR_DATABASE_URL}.`,
  },
  {
    pattern: /could not map anonymous shared memory|could not resize shared memory|Cannot allocate memory|ENOMEM/,
    sentence: () =>
      `There is not enough memory for PostgreSQL, which takes 20 to 70 MB: free some, ${OR_DATABASE_URL}.`,
  },
  {
    pattern: /EROFS|Read-only file system/i,
    sentence: (folder) => `${folder} is read-only: set DATA_DIR to a folder that can be written, ${OR_DATABASE_URL}.`,
  },
  {
    pattern: /EACCES|EPERM|Permission denied|Operation not permitted|wrong ownership/i,
    sentence: (folder) =>
      `${folder} cannot be written by the user chattera runs as: give it to that user, or set DATA_DIR to another folder.`,
  },
  {
    pattern: /ENOENT.*mkdir/,
    sentence: (folder) => `${folder} cannot be made: make it yourself, or set DATA_DIR to another folder.`,
  },
  {
    pattern: /EEXIST|ENOTDIR/,
    sentence: (folder) => `${folder} is not a folder: set DATA_DIR to one, or to a path where one can be made.`,
  },
];
