import { readFileSync } from "node:fs";
import { checkStyle } from "./check-style.ts";
import { projectFiles } from "./files.ts";

/**
 * Checks the words of comments, test names and docs, and the shape of comments:
 * `npx tsx lint/words.ts [path...]`, by default everywhere.
 */

// A migration is never edited, not even its comments.
const EXEMPT = /^db\/migrations\//;

const findings = projectFiles(process.argv.length > 2 ? process.argv.slice(2) : undefined)
  .filter((file) => !EXEMPT.test(file))
  .flatMap((file) => checkStyle(file, readFileSync(file, "utf8")).map((finding) => ({ file, ...finding })));

for (const { file, line, found, rule, instead } of findings) {
  process.stdout.write(`${file}:${line}: ${found}: ${instead} (CONTRIBUTING.md, style rule ${rule})\n`);
}
if (findings.length > 0) {
  process.stdout.write(`${findings.length} places to change\n`);
  process.exitCode = 1;
}
