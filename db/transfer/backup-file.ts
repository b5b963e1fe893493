import { createHash } from "node:crypto";
import { StartError } from "../start-error.ts";
import { createByteReader } from "./byte-reader.ts";

/**
 * The format of backups, which are compressed with gzip. Inside, the first line is the header as
 * JSON. Each table follows as blocks: a line of JSON with the length of the block, and the
 * block in the text format of COPY. After its last block comes a line with the number of rows and
 * the checksum. The last line of the file says that it is complete.
 */
export const BACKUP_FORMAT = 1;

/** The first line of a backup. */
export type BackupHeader = {
  chattera: "backup";
  format: number;
  /** The version of chattera that made it. */
  version: string;
  /** RFC 3339 UTC. */
  madeAt: string;
  /** The migrations that the database had. */
  migrations: string[];
  tables: BackupTable[];
  /** The counters of identity columns, after their last value. */
  counters: { table: string; column: string; last: number }[];
  /** How many events there were, for a progress bar. */
  events: number;
};

/** A table of a backup. The rows have the columns in this order. */
export type BackupTable = { name: string; columns: string[] };

/** A block of a table, or the end of a table or of the file. */
type Mark = { table: string; bytes: number } | { table: string; rows: number; sha256: string } | { isComplete: true };

/** Bytes of a block. Smaller parts are joined, so that the lines between them cost nothing. */
const BLOCK = 256 * 1024;

/** Returns the first line of a backup. */
export function writeHeader(header: BackupHeader): Buffer {
  return lineOf(header);
}

/** Yields the part of a backup that holds one table, from its rows in the format of COPY. */
export async function* writeTable(name: string, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const check = createRowCheck();
  for await (const block of inBlocks(source)) {
    check.add(block);
    yield lineOf({ table: name, bytes: block.length });
    yield block;
  }
  yield lineOf({ table: name, ...check.result() });
}

/** Returns the last line of a backup. */
export function writeEnd(): Buffer {
  return lineOf({ isComplete: true });
}

/**
 * A backup that is being read. `rowsOf` must be called once for each table, in the order of the
 * header.
 */
export type BackupReader = {
  header: BackupHeader;
  /** Yields the rows of a table in the format of COPY. Throws if they are damaged. */
  rowsOf(table: BackupTable): AsyncGenerator<Buffer>;
  /** Throws if the backup is cut off. */
  end(): Promise<void>;
};

/** Opens an uncompressed backup. `name` is the file's name, for errors. */
export async function readBackup(name: string, source: AsyncIterable<Buffer>): Promise<BackupReader> {
  const reader = createByteReader(source);
  const header = readHeader(name, await reader.line(HEADER_MAX));
  return { header, rowsOf, end };

  async function* rowsOf(table: BackupTable): AsyncGenerator<Buffer> {
    const check = createRowCheck();
    for (;;) {
      const mark = await nextMark();
      if (!("table" in mark) || mark.table !== table.name) throw damaged(name, table.name);
      if ("bytes" in mark) {
        for await (const part of reader.bytes(mark.bytes)) {
          check.add(part);
          yield part;
        }
        continue;
      }
      const { rows, sha256 } = check.result();
      if (rows !== mark.rows || sha256 !== mark.sha256) throw damaged(name, table.name);
      return;
    }
  }

  async function end(): Promise<void> {
    if (!("isComplete" in (await nextMark()))) throw damaged(name, "the end");
    // The checksum of gzip is behind it.
    for await (const _ of reader.bytes(1)) throw damaged(name, "the end");
  }

  async function nextMark(): Promise<Mark> {
    const line = await reader.line(MARK_MAX);
    if (line === undefined) throw cutOff(name);
    try {
      return JSON.parse(line) as Mark;
    } catch {
      throw damaged(name, "a line between two blocks");
    }
  }
}

const HEADER_MAX = 1024 * 1024;
const MARK_MAX = 1024;

function readHeader(name: string, line: string | undefined): BackupHeader {
  const header = parsed(line ?? "");
  if (header?.chattera !== "backup") throw notABackup(name);
  if (header.format > BACKUP_FORMAT)
    throw new StartError(
      `${name} has format ${header.format}, which chattera ${header.version} wrote and this chattera cannot read: ` +
        "restore it with that version or a newer one.",
    );
  return header;
}

function parsed(line: string): BackupHeader | undefined {
  try {
    return JSON.parse(line) as BackupHeader;
  } catch {
    return undefined;
  }
}

/** Returns the error for a file that is something else. */
export function notABackup(name: string): StartError {
  return new StartError(`${name} is not a backup of chattera: name a file that chattera backup has written.`);
}

/** Returns the error for a file that ends early. */
export function cutOff(name: string): StartError {
  return new StartError(`${name} ends too early, so nothing was restored: use another copy of the backup.`);
}

/** Returns the error for a file of which a part was changed. */
export function damaged(name: string, part: string): StartError {
  return new StartError(
    `${name} is damaged (${part} does not match its checksum), so nothing was restored: use another copy of the backup.`,
  );
}

function lineOf(value: BackupHeader | Mark): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

async function* inBlocks(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const part of source) {
    parts.push(part);
    size += part.length;
    if (size < BLOCK) continue;
    yield Buffer.concat(parts);
    parts = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(parts);
}

/** [COPY, text format] A row ends with a line break. Within a row, line breaks are escaped. */
function createRowCheck(): { add(part: Buffer): void; result(): { rows: number; sha256: string } } {
  const hash = createHash("sha256");
  let rows = 0;
  return {
    add(part) {
      hash.update(part);
      rows += countLines(part);
    },
    result: () => ({ rows, sha256: hash.digest("hex") }),
  };
}

/** Returns the number of line breaks in a part of a table. */
export function countLines(part: Buffer): number {
  let lines = 0;
  for (let at = part.indexOf(10); at !== -1; at = part.indexOf(10, at + 1)) lines += 1;
  return lines;
}
