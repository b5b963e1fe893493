import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import type { Knex } from "knex";
import { migrate } from "../../db/migrate.ts";
import { connect } from "../../db/pool/connect.ts";
import { StartError } from "../../db/start-error.ts";
import { grouped } from "../../protocol/line.ts";
import type { Config } from "../config.ts";
import { exportRoom } from "../transfer/export-room.ts";
import { importRoom } from "../transfer/import-room.ts";
import type { RunCommand } from "./backup.ts";
import { print, useDatabase } from "./open-database.ts";
import { explained, STANDARD, writeFileOf } from "./output-file.ts";
import { type Progress, startProgress } from "./progress.ts";

/** Adds `chattera export` and `chattera import` to the command line. */
export function addRoomFileCommands(program: Command, { run, version }: { run: RunCommand; version: string }): void {
  program
    .command("export")
    .description("write a room into a file: as lines of JSON, or as a web page if the file ends with .html")
    .argument("<room>", "the room's name")
    .argument("[file]", 'the file to write; "-", the default, for standard output', STANDARD)
    .option("--format <format>", "jsonl or html; default: by the ending of the file, else jsonl")
    .option("--language <language>", "the language of the page: en or ja; default: CHATTERA_LANGUAGE")
    .action((room: string, file: string, options: { format?: string; language?: string }) =>
      run((config) => exportTo(config, { room, file, version, ...options })),
    );
  program
    .command("import")
    .description("read a room from the lines of JSON of chattera export; running it again adds nothing twice")
    .argument("<file>", 'the file to read, "-" for standard input')
    .option("--into <room>", "another name for the room")
    .action((file: string, { into }: { into?: string }) => run((config) => importFrom(config, { file, into })));
}

type ExportTarget = { room: string; file: string; version: string; format?: string; language?: string };

async function exportTo(config: Config, { room, file, version, ...chosen }: ExportTarget): Promise<void> {
  const format = readChoice("--format", chosen.format ?? (/\.html?$/i.test(file) ? "html" : "jsonl"), FORMATS);
  const language = readChoice("--language", chosen.language ?? config.language, LANGUAGES);
  const layout = { language, timeZone: config.timeZone };
  let progress: Progress | undefined;
  let events = 0;
  let changes = 0;
  await withDatabase(config, async (db) => {
    const parts = exportRoom(db, room, {
      ...{ version, format, layout, keepDays: config.historyDays },
      onStart: (total) => {
        progress = startProgress({ label: "Export", unit: "events", total });
      },
      onEvents: (count) => {
        events += count;
        progress?.add(count);
      },
      onChanged: (count) => {
        changes = count;
      },
    });
    await writeFileOf(file, (out) => pipeline(Readable.from(parts, { objectMode: false }), out)).finally(() =>
      progress?.end(),
    );
  });
  print(`Export complete: ${grouped(events)} events of ${room}.`);
  if (changes > 0)
    print(
      `People edited or erased something meanwhile (${grouped(changes)} changes), and the file may have what was there before: export the room again.`,
    );
}

async function importFrom(config: Config, { file, into }: { file: string; into: string | undefined }): Promise<void> {
  let progress: Progress | undefined;
  await withDatabase(config, async (db) => {
    const source: AsyncIterable<Buffer> = file === STANDARD ? process.stdin : createReadStream(file);
    try {
      const { slug, events, added, hasPassword } = await importRoom(db, source, {
        ...{ name: file, into },
        onStart: (total) => {
          progress = startProgress({ label: "Import", unit: "events", total });
        },
        onEvents: (count) => progress?.add(count),
      }).finally(() => progress?.end());
      print(`Import complete: ${grouped(added)} of ${grouped(events)} events are new in ${slug}.`);
      if (hasPassword && added > 0)
        print(
          `${slug} had a password, which is not in the file. If the room is new, only moderators may read it until you change that.`,
        );
    } catch (error) {
      throw explained(error, file);
    }
  });
}

/** A page of a log is read within seconds, but a pipe may be read slowly. */
const TIMEOUT_MS = 3_600_000;

function withDatabase(config: Config, work: (db: Knex) => Promise<void>): Promise<void> {
  return useDatabase(config, async (url) => {
    await migrate(url, print, config.schema);
    const db = connect(url, { poolMax: 2, timeoutMs: TIMEOUT_MS, schema: config.schema });
    await work(db).finally(() => db.destroy());
  });
}

const FORMATS = ["jsonl", "html"] as const;
const LANGUAGES = ["en", "ja"] as const;

function readChoice<T extends string>(option: string, value: string, choices: readonly T[]): T {
  const choice = choices.find((one) => one === value);
  if (choice === undefined) throw new StartError(`${option} is ${value}: choose ${choices.join(" or ")}.`);
  return choice;
}
