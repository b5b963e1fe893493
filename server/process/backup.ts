import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import type { Command } from "commander";
import { backup } from "../../db/transfer/backup.ts";
import { cutOff, damaged, notABackup, readBackup } from "../../db/transfer/backup-file.ts";
import { restore } from "../../db/transfer/restore.ts";
import { grouped } from "../../protocol/line.ts";
import type { Config } from "../config.ts";
import { print, useDatabase } from "./open-database.ts";
import { explained, STANDARD, writeFileOf } from "./output-file.ts";
import { type Progress, startProgress } from "./progress.ts";

/** Runs a command with the settings of the environment. */
export type RunCommand = (work: (config: Config) => Promise<void>) => Promise<void>;

/** Adds `chattera backup` and `chattera restore` to the command line. */
export function addBackupCommands(program: Command, { run, version }: { run: RunCommand; version: string }): void {
  program
    .command("backup")
    .description("write the whole database into one file, also while the site is in use")
    .argument("<file>", 'the file to write, "-" for standard output; it contains secrets')
    .action((file: string) =>
      run((config) => useDatabase(config, (url) => backUp(url, { file, version, schema: config.schema }))),
    );
  program
    .command("restore")
    .description("read a file of chattera backup into an empty database; every reader gets a reset")
    .argument("<file>", 'the file to read, "-" for standard input')
    .option("--replace", "delete what the database holds first")
    .action((file: string, options: { replace?: true }) =>
      run((config) =>
        useDatabase(config, (url) =>
          restoreFrom(url, { file, replaces: options.replace === true, schema: config.schema }),
        ),
      ),
    );
}

async function backUp(
  url: string,
  { file, ...database }: { file: string; version: string; schema: string },
): Promise<void> {
  let progress: Progress | undefined;
  let events = 0;
  const parts = backup(url, {
    ...database,
    onStart: ({ events: total }) => {
      progress = startProgress({ label: "Backup", unit: "events", total });
    },
    onEvents: (count) => {
      events += count;
      progress?.add(count);
    },
  });
  await writeFileOf(file, (out) => pipeline(Readable.from(parts, { objectMode: false }), createGzip(), out)).finally(
    () => progress?.end(),
  );
  const size = file === STANDARD ? "" : `, ${megabytes((await stat(file)).size)}`;
  print(`Backup complete: ${grouped(events)} events${size}.`);
}

async function restoreFrom(
  url: string,
  { file, ...how }: { file: string; replaces: boolean; schema: string },
): Promise<void> {
  let progress: Progress | undefined;
  let events = 0;
  try {
    const source = await readBackup(file, uncompressed(file));
    await restore(url, source, {
      ...how,
      onStart: ({ events: total }) => {
        progress = startProgress({ label: "Restore", unit: "events", total });
      },
      onEvents: (count) => {
        events += count;
        progress?.add(count);
      },
    }).finally(() => progress?.end());
    const { madeAt, version } = source.header;
    print(
      `Restore complete: ${grouped(events)} events of a backup of ${madeAt} by chattera ${version}. ` +
        "Nodes that are running have to be restarted.",
    );
  } catch (error) {
    throw explained(error, file);
  }
}

async function* uncompressed(file: string): AsyncGenerator<Buffer> {
  const source: Readable = file === STANDARD ? process.stdin : createReadStream(file);
  const gunzip = createGunzip();
  source.on("error", (error) => gunzip.destroy(error));
  try {
    yield* source.pipe(gunzip) as AsyncIterable<Buffer>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "Z_BUF_ERROR") throw cutOff(file);
    if (code !== "Z_DATA_ERROR") throw error;
    throw message === "incorrect header check" ? notABackup(file) : damaged(file, "a compressed part");
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
