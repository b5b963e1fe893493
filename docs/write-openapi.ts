import { readFileSync, writeFileSync } from "node:fs";
import { describeApi } from "../server/openapi.ts";

/**
 * Writes docs/openapi.json, which /api/openapi.json serves. With --check it only reports that it is
 * out of date.
 */
const file = new URL("openapi.json", import.meta.url);
// Indented by one space: two would be a fifth of the file, which every host installs.
const text = `${JSON.stringify(describeApi(""), undefined, 1)}\n`;

if (!process.argv.includes("--check")) writeFileSync(file, text);
else if (readFileSync(file, "utf8") !== text) {
  process.stderr.write("docs/openapi.json is out of date: run `npm run docs`\n");
  process.exitCode = 1;
}
