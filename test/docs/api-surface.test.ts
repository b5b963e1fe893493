import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { apiSurface } from "../../docs/api-surface.ts";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "chattera-api-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("the public surface has what is exported, and the types that it mentions in other files, without comments", () => {
  const entry = write("index.d.ts", [
    'import type { Koa } from "koa";',
    'import { type Inner, hidden } from "./inner.ts";',
    'export type { Passed } from "./inner.ts";',
    "/** Opens it. */",
    "export declare function open(options: Inner): Koa;",
  ]);
  write("inner.d.ts", [
    "export type Inner = { deep: Deep };",
    "export type Passed = string;",
    "export declare function hidden(): void;",
    "type Deep = number;",
  ]);
  expect(apiSurface(entry).split("\n\n")).toEqual([
    "declare function open(options: Inner): Koa;",
    "type Passed = string;",
    "// Mentioned above",
    "type Deep = number;",
    "type Inner = { deep: Deep };",
  ]);
});

function write(name: string, lines: string[]): string {
  writeFileSync(join(folder, name), lines.join("\n"));
  return join(folder, name);
}
