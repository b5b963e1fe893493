#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { describeSettings, type Environment, readEnvironment } from "./config.ts";
import { main, migrateOnly } from "./main.ts";

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

await program.parseAsync();

/** What goes wrong at the start is the operator's to mend: one sentence, no stack. */
async function run(work: (environment: Environment) => Promise<void>): Promise<void> {
  try {
    await work(readEnvironment(process.env));
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
  const here = import.meta.url.includes("/dist/server/") ? "../../package.json" : "../package.json";
  return new URL(here, import.meta.url);
}
