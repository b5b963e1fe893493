import { readFileSync, writeFileSync } from "node:fs";
import { describeSettings } from "../server/config.ts";

/** Writes docs/configuration.md from the settings themselves; with --check only says whether it is up to date. */
const FILE = new URL("configuration.md", import.meta.url);

const rows = describeSettings().map(
  ({ name, default: value, description }) => `| \`${name}\` | ${value === "" ? "" : `\`${value}\``} | ${description} |`,
);
const text = `# Configuration

Everything is set by environment variables. An empty variable counts as unset. If a value is invalid, the server names it
and does not start. \`npm run docs\` writes this page from \`server/config.ts\`: change it there.

| setting | default | what it is, and why |
|---|---|---|
${rows.join("\n")}
`;

if (!process.argv.includes("--check")) writeFileSync(FILE, text);
else if (readFileSync(FILE, "utf8") !== text) {
  process.stderr.write("docs/configuration.md is out of date: run `npm run docs`\n");
  process.exitCode = 1;
}
