import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { type Config, describeSettings, environmentOf, readEnvironment } from "../config.ts";
import { runDoctor } from "../doctor/terminal.ts";
import { endLog } from "../log.ts";
import { chooseLanguage } from "../pages/language.ts";
import { addBackupCommands } from "./backup.ts";
import { addJoinCommand } from "./join.ts";
import { main, migrateOnly, pruneOnly } from "./main.ts";
import { addModerationCommands } from "./moderation-commands.ts";
import { print } from "./open-database.ts";
import { explained } from "./output-file.ts";
import { addRoomCommands } from "./room-commands.ts";
import { addRoomFileCommands } from "./room-files.ts";
import { sentenceOf } from "./sentence.ts";
import { refuseUnknown, warningsOfMistyped } from "./unknown-settings.ts";
import { addUpgradeCommand } from "./upgrade.ts";
import { addWebhookCommands } from "./webhook-commands.ts";
import { isOwnWorker } from "./workers.ts";

const { version } = JSON.parse(readFileSync(packageFile(), "utf8")) as { version: string };

const program = new Command("chattera")
  .description("A chat site for any network and any browser that can still speak HTTP.")
  .version(version)
  .addHelpText("after", "\nSettings are environment variables: chattera serve --help lists them.");

program
  .command("serve", { isDefault: true })
  .description("serve the site, on an embedded PostgreSQL or on the one at DATABASE_URL")
  .addHelpText("after", `\nEnvironment:\n${settingsHelp()}`)
  // Any word that is no command comes here.
  .allowExcessArguments()
  .action((_options: object, { args: [unknown] }: Command) => {
    if (unknown !== undefined) program.error(`error: there is no command '${unknown}'. See chattera --help.`);
    const { env } = process;
    const launch = { isUnderNpm: env.npm_lifecycle_event !== undefined, isWorker: isOwnWorker(env) };
    return run((config) => main(config, launch));
  });

program
  .command("migrate")
  .description("bring the database's schema up to date, and end; serve does it too")
  .action(() => run(migrateOnly));

program
  .command("prune")
  .description("delete the messages that are older than a number of days, and end; serve does it too, hourly")
  .option("--days <number>", "how many days are kept; default: CHATTERA_KEEP_DAYS", numberOfDays)
  .action(({ days }: { days?: string }) => run(pruneOnly, days === undefined ? {} : { historyDays: days }));

addBackupCommands(program, { run, version });
addRoomFileCommands(program, { run, version });
addUpgradeCommand(program, { run, version });

program
  .command("doctor")
  .description("test the path to a site, and report what is in the way and how to fix it")
  .argument("<url>", "the site's address, with its base path")
  .option("--json", "print the report as JSON")
  .option("--quick", "skip the tests that take a minute")
  .addHelpText("after", "\nExit code: 0 all is fine, 1 something is impaired, 2 the site cannot be reached.")
  .action(async (url: string, options: { json?: true; quick?: true }) => {
    process.exitCode = await runDoctor(url, {
      isQuick: options.quick === true,
      isJson: options.json === true,
      language: chooseLanguage(undefined, (process.env.LC_ALL || process.env.LANG || "en").replace(/[_.].*/, ""), "en"),
      out: (text) => process.stdout.write(text),
      progress: process.stderr.isTTY ? showProgress : undefined,
    });
  });

addJoinCommand(program);
addModerationCommands(program, run);
addRoomCommands(program, run);
addWebhookCommands(program, run);

// A reader of the log that is gone, or a full disk, must not end a site when it says something
// there.
process.stderr.on("error", () => undefined);

// The reader of a command's output may have enough of it, as `head` has. The command ends as one
// that SIGPIPE ended, so that a script does not take a backup for complete. The log of a node has a
// stream of its own.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(128 + constants.signals.SIGPIPE);
  // A pipe ends with the failure of its source, which `run` prints.
  if (error.syscall !== undefined) fail(explained(error, "Standard output"));
});

await program.parseAsync();

function numberOfDays(text: string): string {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("It must be a whole number, 1 or more.");
  return text;
}

/** Shows one line, and overwrites it with the next. */
function showProgress(line: string): void {
  process.stderr.write(`\r\x1b[K${line}`);
}

/**
 * Runs a command with the settings of the environment; `overrides` are options as text. An expected
 * failure is printed as one sentence, without a stack.
 */
async function run(
  work: (config: Config) => Promise<void>,
  overrides: Parameters<typeof environmentOf>[0] = {},
): Promise<void> {
  try {
    refuseUnknown(process.env);
    for (const warning of warningsOfMistyped(process.env)) print(warning);
    await work(readEnvironment({ ...process.env, ...environmentOf(overrides) }));
    endLog();
    process.exit(0);
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  process.stderr.write(`chattera: ${sentenceOf(error as Error)}\n`);
  process.exit(1);
}

function settingsHelp(): string {
  return describeSettings()
    .map(({ env, envDefault, unit, doc }) => {
      const notes = [envDefault, unit ?? ""].filter((note) => note !== "").join(" ");
      return `  ${env}${notes === "" ? "" : ` (${notes})`}\n      ${doc}`;
    })
    .join("\n");
}

/** The package's file is one folder further up from dist/server than from the sources. */
function packageFile(): URL {
  const here = import.meta.url.includes("/dist/server/") ? "../../../package.json" : "../../package.json";
  return new URL(here, import.meta.url);
}
