import { readFileSync, writeFileSync } from "node:fs";

/**
 * Writes server/rooms/confusables.ts from Unicode's confusables.txt (UTS 39), as the Rust crate
 * unicode-security 0.1.3 has it in its src/tables.rs. The packages on npm have older data. Run it
 * again when Unicode and the crate have a newer version: `npx tsx docs/write-confusables.ts
 * path/to/tables.rs`.
 */
const FILE = new URL("../server/rooms/confusables.ts", import.meta.url);
const ENTRY = /\('\\u\{([0-9a-f]+)\}',\s*&\[((?:\s*'\\u\{[0-9a-f]+\}',?)+)\]\)/g;

const path = process.argv[2];
if (path === undefined) throw new Error("Give the path of the crate's src/tables.rs.");
const source = readFileSync(path, "utf8");
const version = /UNICODE_VERSION: \(u64, u64, u64\) = \((\d+), (\d+), (\d+)\)/.exec(source)?.slice(1).join(".");
const table = source.slice(source.indexOf("const CONFUSABLES: &'static [(char, &'static [char])]"));

const byPrototype = new Map<string, string[]>();
for (const [, char, prototype] of table.slice(0, table.indexOf("];\n")).matchAll(ENTRY)) {
  const key = [...(prototype ?? "").matchAll(/[0-9a-f]+(?=\})/g)].join("+");
  byPrototype.set(key, [...(byPrototype.get(key) ?? []), char ?? ""]);
}
const lines = [...byPrototype].map(([prototype, chars]) => `${prototype}: ${chars.join(" ")}`);

writeFileSync(
  FILE,
  `// Written by docs/write-confusables.ts: change it there.
// Copyright © 1991-2026 Unicode, Inc. Data under the Unicode License V3, see
// https://www.unicode.org/license.txt

/** The version of Unicode that the data is from. */
export const UNICODE_VERSION = "${version}";

/**
 * Characters that look alike [UTS 39]: a line for each prototype, which may be a sequence, in
 * hexadecimal.
 */
export const CONFUSABLES = \`
${lines.join("\n")}
\`;
`,
);
