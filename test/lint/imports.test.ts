import { expect, test } from "@jest/globals";
import { checkImports } from "../../lint/check-imports.ts";
import { projectFiles } from "../../lint/files.ts";
import { AREAS } from "../../lint/import-table.ts";

test.each([
  ["protocol/event.ts", 'import { refuse } from "../server/refusal.ts";', "server/refusal.ts"],
  ["db/log/rooms.ts", 'import type { Context } from "koa";', "koa"],
  ["server/rooms/post.ts", 'import type { Tail } from "../delivery/tail.ts";', "server/delivery/tail.ts"],
  ["server/delivery/hub.ts", 'import { enter } from "../rooms/enter.ts";', "server/rooms/enter.ts"],
  ["server/delivery/hub.ts", 'export { enter } from "../rooms/enter.ts";', "server/rooms/enter.ts"],
  ["server/delivery/hub.ts", 'const { enter } = await import("../rooms/enter.ts");', "server/rooms/enter.ts"],
  ["server/routes/rooms.ts", 'import { serve } from "../process/serve.ts";', "server/process/serve.ts"],
  ["server/refusal.ts", 'import type { Site } from "./site.ts";', "server/site.ts"],
  ["client/core/base/list.ts", 'import { readFileSync } from "node:fs";', "node:fs"],
  ["client/core/base/list.ts", 'import { createParser } from "eventsource-parser";', "eventsource-parser"],
  ["client/legacy/main.ts", 'import { openPage } from "../ui/page.ts";', "client/ui/page.ts"],
  ["client/ui/main.ts", 'import { openTerminal } from "../../test/support/terminal.ts";', "test/support/terminal.ts"],
])("%s must not have `%s`", (file, source, target) => {
  expect(checkImports(file, source)).toEqual([expect.stringContaining(`${file} must not import ${target}.`)]);
});

test.each([
  ["server/rooms/post.ts", 'import { readRoom } from "../../db/log/rooms.ts";'],
  ["server/delivery/hub.ts", 'import { createTail } from "./tail.ts";'],
  ["client/legacy/main.ts", 'import { fill } from "../words.ts";'],
  ["client/transports/sse.ts", 'import { createParser } from "eventsource-parser";'],
])("%s may have `%s`", (file, source) => {
  expect(checkImports(file, source)).toEqual([]);
});

test("a file in a new folder of the server needs a rule", () => {
  expect(checkImports("server/new/file.ts", "")).toEqual([expect.stringContaining("belongs to no area")]);
});

test("every rule is about files that exist, and names rules that exist", () => {
  const files = projectFiles(["protocol", "db", "server", "client"]);
  const names = AREAS.map(({ name }) => name);
  for (const { name, files: pattern, imports } of AREAS) {
    expect([
      name,
      files.some((file) => (pattern ? new RegExp(pattern).test(file) : file.startsWith(`${name}/`))),
    ]).toEqual([name, true]);
    expect(imports.filter((other) => !names.includes(other))).toEqual([]);
  }
});
