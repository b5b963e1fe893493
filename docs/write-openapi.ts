import { readFileSync, writeFileSync } from "node:fs";
import { siteRoutes } from "../server/app.ts";
import { describeApi } from "../server/openapi.ts";
import { apiCalls } from "../server/routes/openapi.ts";
import type { Site } from "../server/site.ts";

/**
 * Writes docs/openapi.json, which /api/openapi.json serves. With --check it only reports that it is
 * out of date.
 */
const file = new URL("openapi.json", import.meta.url);
// Routes read nothing of their site before a request comes.
const anything: object = new Proxy(() => {}, { get: () => anything, apply: () => anything });
const calls = apiCalls(siteRoutes(anything as Site));
const text = `${JSON.stringify(describeApi("", calls), undefined, 2)}\n`;

if (!process.argv.includes("--check")) writeFileSync(file, text);
else if (readFileSync(file, "utf8") !== text) {
  process.stderr.write("docs/openapi.json is out of date: run `npm run docs`\n");
  process.exitCode = 1;
}
