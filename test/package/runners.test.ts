import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { snippetWith } from "../docs/snippets.ts";
import { installPacked, type PackedProject, ROOT } from "../support/packed.ts";

let project: PackedProject;

beforeAll(async () => {
  project = await installPacked(["vitest@5"], { hasOptional: true });
}, 180_000);
afterAll(() => project.remove());

const JEST = join(ROOT, "node_modules/jest/bin/jest.js");
const RUNNERS: [string, { load: string; args: string[]; passed: RegExp }][] = [
  [
    "node:test",
    { load: 'import { after, test } from "node:test";', args: ["--test", "clock.test.mjs"], passed: /pass 1\b/ },
  ],
  [
    "Jest",
    {
      load: 'import { afterAll as after, test } from "@jest/globals";',
      args: ["--experimental-vm-modules", JEST, "--config", '{"transform":{},"testMatch":["**/*.test.mjs"]}'],
      passed: /"numPassedTests":1\b/,
    },
  ],
  [
    "Vitest",
    {
      load: 'import { afterAll as after, test } from "vitest";',
      args: ["node_modules/vitest/vitest.mjs", "run", "clock.test.mjs"],
      passed: /1 passed/,
    },
  ],
];

test.each(RUNNERS)(
  "the test with a clock of docs/testing.md passes under %s, from the packed tarball, with a throw-away PostgreSQL",
  async (runner, { load, args, passed }) => {
    const opening = snippetWith("docs/testing.md", "testClock: true").code;
    const body = snippetWith("docs/testing.md", "a guest leaves").code.replace(/^import \{ test \}.*$/m, "");
    const lines = [load, 'import { createApp } from "chattera";', opening, body, "after(() => chat.close());"];
    const below = runner.replace(":", "-");
    mkdirSync(join(project.folder, below));
    writeFileSync(join(project.folder, below, "clock.test.mjs"), lines.join("\n"));
    const report = runner === "Jest" ? ["--json"] : [];
    const own = args.map((one) => (one.startsWith("node_modules/") ? join(project.folder, one) : one));
    expect(await project.run([...own, ...report], {}, below)).toMatch(passed);
  },
  90_000,
);
