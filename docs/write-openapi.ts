import { readFileSync, writeFileSync } from "node:fs";
import { describeApi } from "../server/openapi.ts";

/**
 * Writes docs/openapi.json, which /api/openapi.json serves. With --check it only reports that it is
 * out of date.
 */
const file = new URL("openapi.json", import.meta.url);
const text = `${JSON.stringify(describeApi(""), undefined, 2)}\n`;

if (!process.argv.includes("--check")) writeFileSync(file, text);
else if (readFileSync(file, "utf8") !== text) {
  process.stderr.write("docs/openapi.json is out of date: run `npm run docs`\n");
  process.exitCode = 1;
}
