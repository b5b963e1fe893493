import { readFileSync, writeFileSync } from "node:fs";
import { AREAS } from "../lint/import-table.ts";

/**
 * Writes the table of imports between its marks in docs/architecture.md. With --check it only
 * reports whether the page is out of date.
 */
const FILE = new URL("architecture.md", import.meta.url);
const MARKS = /(?<=<!-- imports -->\n)[\s\S]*(?=<!-- \/imports -->)/;

const page = readFileSync(FILE, "utf8");
if (!MARKS.test(page)) throw new Error("docs/architecture.md has no <!-- imports --> and <!-- /imports -->");
const written = page.replace(MARKS, `\n${table()}\n`);
if (!process.argv.includes("--check")) writeFileSync(FILE, written);
else if (written !== page) {
  process.stderr.write("docs/architecture.md is out of date: run `npm run docs`\n");
  process.exitCode = 1;
}

function table(): string {
  const rows = AREAS.map(
    ({ name, imports, because }) => `| ${code(name)} | ${imports.map(code).join(", ") || "nothing"} | ${because} |`,
  );
  return ["| folder | may import | because |", "| --- | --- | --- |", ...rows, ""].join("\n");
}

function code(name: string): string {
  return `\`${name}\``;
}
