import type { Command } from "commander";
import { upgradeEmbedded } from "../../db/embedded/upgrade.ts";
import { StartError } from "../../db/start-error.ts";
import { backup } from "../../db/transfer/backup.ts";
import { readBackup } from "../../db/transfer/backup-file.ts";
import { restore } from "../../db/transfer/restore.ts";
import type { Config } from "../config.ts";
import type { RunCommand } from "./backup.ts";
import { endAtSignal } from "./end-signal.ts";
import { print, userOf } from "./open-database.ts";
import { type Progress, startProgress } from "./progress.ts";

/** Adds `chattera upgrade-database` to the command line. */
export function addUpgradeCommand(program: Command, { run, version }: { run: RunCommand; version: string }): void {
  program
    .command("upgrade-database")
    .description("move the embedded database to the PostgreSQL of this chattera, from an older major version")
    .option(
      "--programs <folder>",
      "the programs of the older version, for example /usr/lib/postgresql/17; default: npm installs them",
    )
    .action((options: { programs?: string }) => run((config) => upgrade(config, { ...options, version })));
}

async function upgrade(config: Config, { programs, version }: { programs?: string; version: string }): Promise<void> {
  if (config.databaseUrl !== undefined)
    throw new StartError("DATABASE_URL is set, and this command is for the embedded database: unset it.");
  endAtSignal();
  const { dataDir } = config;
  const upgraded = await upgradeEmbedded({
    report: print,
    systemUser: await userOf(config),
    copy: (from, to) => copy(from, to, { version, schema: config.schema }),
    ...(dataDir !== undefined && { dataDir }),
    ...(programs !== undefined && { formerPrograms: programs }),
  });
  if (upgraded === undefined)
    print("The database has the PostgreSQL of this chattera already: there is nothing to do.");
  else
    print(
      `The database is now on PostgreSQL ${upgraded.to}. The former data is in ${upgraded.kept}: delete that folder when ` +
        "the site works.",
    );
}

async function copy(from: string, to: string, options: { version: string; schema: string }): Promise<void> {
  let progress: Progress | undefined;
  const source = await readBackup("The former database", backup(from, options));
  await restore(to, source, {
    schema: options.schema,
    onStart: ({ events }) => {
      progress = startProgress({ label: "Upgrade", unit: "events", total: events });
    },
    onEvents: (count) => progress?.add(count),
  }).finally(() => progress?.end());
}
