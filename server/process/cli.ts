#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { describeSettings, type Environment, readEnvironment } from "../config.ts";
import { runDoctor } from "../doctor/terminal.ts";
import { chooseLanguage } from "../pages/language.ts";
import { main, migrateOnly, pruneOnly } from "./main.ts";

const { version } = JSON.parse(readFileSync(packageFile(), "utf8")) as { version: string };

const program = new Command("chattera")
  .description("A chat site for any network and any browser that can still speak HTTP.")
  .version(version)
  .addHelpText("after", "\nSettings are environment variables: chattera serve --help lists them.");

program
  .command("serve", { isDefault: true })
  .description("serve the site, on an embedded PostgreSQL or on the one at DATABASE_URL")
  .addHelpText("after", `\nEnvironment:\n${settingsHelp()}`)
  .action(() => run(main));

program
  .command("migrate")
  .description("bring the database's schema up to date, and end; serve does it too")
  .action(() => run(migrateOnly));

program
  .command("prune")
  .description("delete what was said more than so many days ago, and end; serve does it too, hourly")
  .option("--days <number>", "how many days are kept; CHATTERA_KEEP_DAYS unless said")
  .action(({ days }: { days?: string }) => run(pruneOnly, days === undefined ? {} : { CHATTERA_KEEP_DAYS: days }));

program
  .command("doctor")
  .description("test the path to a site, and say what on the way hinders it and how that is cured")
  .argument("<url>", "the site's address, with its base path")
  .option("--json", "give the report as JSON")
  .option("--quick", "leave out what takes a minute")
  .addHelpText("after", "\nExit code: 0 all is fine, 1 something is impaired, 2 the site cannot be reached.")
  .action(async (url: string, options: { json?: true; quick?: true }) => {
    process.exitCode = await runDoctor(url, {
      isQuick: options.quick === true,
      isJson: options.json === true,
      language: chooseLanguage(undefined, (process.env.LC_ALL || process.env.LANG || "en").replace(/[_.].*/, "")),
      out: (text) => process.stdout.write(text),
      progress: process.stderr.isTTY ? showProgress : undefined,
    });
  });

await program.parseAsync();

/** One line, written over again and again. */
function showProgress(line: string): void {
  process.stderr.write(`\r\x1b[K${line}`);
}

/** What goes wrong at the start is the operator's to mend: one sentence, no stack. */
async function run(work: (environment: Environment) => Promise<void>, given: NodeJS.Dict<string> = {}): Promise<void> {
  try {
    await work(readEnvironment({ ...process.env, ...given }));
    process.exit(0);
  } catch (error) {
    const isBug = error instanceof TypeError || error instanceof ReferenceError;
    process.stderr.write(`chattera: ${isBug ? (error as Error).stack : (error as Error).message}\n`);
    process.exit(1);
  }
}

function settingsHelp(): string {
  return describeSettings()
    .map(
      ({ name, default: value, description }) => `  ${name}${value === "" ? "" : ` (${value})`}\n      ${description}`,
    )
    .join("\n");
}

/** Beside the sources, or one folder further up from dist/server. */
function packageFile(): URL {
  const here = import.meta.url.includes("/dist/server/") ? "../../../package.json" : "../../package.json";
  return new URL(here, import.meta.url);
}
