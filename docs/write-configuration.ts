import { readFileSync, writeFileSync } from "node:fs";
import { describeSettings, type SettingDescription } from "../server/config.ts";

/**
 * Writes docs/configuration.md and the type of the options of `createApp` from the table in
 * server/settings.ts. With --check it only reports which of them is out of date.
 */
const settings = describeSettings();

const FILES = {
  "docs/configuration.md": `# Configuration

\`chattera serve\` reads its settings from environment variables, and [\`createApp\`](testing.md#createapp) takes them
as options. Settings without an option concern the process. An empty variable counts as unset. If a value is
invalid, the server names it and does not start.

In the environment, the entries of a list are separated by commas, and \`true\` and \`false\` are written \`on\` and
\`off\`. \`npm run docs\` writes this page from \`server/settings.ts\`: change it there.

| environment variable | option | type | default | unit | description |
|---|---|---|---|---|---|
${settings.map(rowOf).join("\n")}
`,
  "server/app-settings.ts": `// Written by \`npm run docs\` from server/settings.ts: change it there.

/** The settings among the options of \`createApp\`. */
export type AppSettings = {
${settings
  .filter(({ scope, option }) => scope === "app" && option !== "databaseUrl")
  .map(memberOf)
  .join("\n")}
};
`,
};

for (const [name, text] of Object.entries(FILES)) {
  const file = new URL(`../${name}`, import.meta.url);
  if (!process.argv.includes("--check")) writeFileSync(file, text);
  else if (readFileSync(file, "utf8") !== text) {
    process.stderr.write(`${name} is out of date: run \`npm run docs\`\n`);
    process.exitCode = 1;
  }
}

function rowOf({ env, option, scope, type, default: value, envDefault, unit, doc }: SettingDescription): string {
  const cells = [
    `\`${env}\``,
    scope === "app" ? `\`${option}\`` : "",
    `\`${type}\``,
    [...new Set([value, envDefault])]
      .filter((text) => text !== "")
      .map((text) => `\`${text}\``)
      .join(", "),
    unit ?? "",
    doc,
  ];
  return `| ${cells.join(" | ")} |`;
}

function memberOf({ env, option, type, default: value, unit, doc }: SettingDescription): string {
  const notes = [
    unit === undefined ? "" : `Unit: ${unit}.`,
    value === "" ? "" : `Default: ${value}.`,
    `Environment: ${env}.`,
  ];
  const lines = [...wrap(doc, 95), "", notes.filter((note) => note !== "").join(" ")];
  return [
    "  /**",
    ...lines.map((line) => `   * ${line}`.trimEnd()),
    "   */",
    `  ${option}?: ${type} | undefined;`,
  ].join("\n");
}

/** Breaks a text into lines of at most `width` characters. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
