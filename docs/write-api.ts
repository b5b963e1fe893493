import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { apiSurface } from "./api-surface.ts";

/**
 * Writes docs/api.txt, everything that a program can import from the package, from the emitted
 * types. With --check it only reports whether the file is out of date.
 */
const ROOT = new URL("../", import.meta.url);
const FILE = new URL("docs/api.txt", ROOT);

type Manifest = { exports: { [path: string]: { types?: string; import?: { types: string } } | string } };

const manifest = JSON.parse(readFileSync(new URL("package.json", ROOT), "utf8")) as Manifest;
const sections = Object.entries(manifest.exports).flatMap(([path, target]) => {
  const types = typeof target === "string" ? undefined : (target.types ?? target.import?.types);
  const name = path.replace(/^\./, "chattera");
  return types === undefined ? [] : `# ${name}\n\n${apiSurface(fileURLToPath(new URL(types, ROOT)))}\n`;
});
const text = `Everything that a program can import. A change here is a change of the public API: name it in CHANGELOG.md.
Written by \`npm run docs\` from the emitted types. \`npm run api\` makes a reference with all descriptions.

${sections.join("\n")}`;

const current = () => readFileSync(FILE, "utf8");
if (!process.argv.includes("--check")) writeFileSync(FILE, text);
else if (current() !== text) {
  process.stderr.write("docs/api.txt is out of date: run `npm run docs`, and describe the change in CHANGELOG.md\n");
  process.exitCode = 1;
}
