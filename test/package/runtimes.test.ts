import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ROOT } from "../support/packed.ts";
import { useSite } from "../support/use-site.ts";

// `npm ci --prefix test/runtimes --ignore-scripts` installs Bun and Deno.
const RUNTIMES = [
  { name: "Bun", scope: "@oven", file: "bin/bun", args: [] },
  { name: "Deno", scope: "@deno", file: "deno", args: ["run", "-A", "--quiet"] },
];

const site = useSite();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "chattera-runtimes-"));
  const home = join(folder, "node_modules/chattera");
  mkdirSync(home, { recursive: true });
  cpSync(join(ROOT, "package.json"), join(home, "package.json"));
  symlinkSync(join(ROOT, "dist"), join(home, "dist"));
  // Deno finds only the packages that the project names.
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies: { chattera: "*" } }));
  writeFileSync(join(folder, "talk.mjs"), TALK.join("\n"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A stream is an EventSource in Deno, and a byte stream in Bun. */
const TALK = [
  'import { connect } from "chattera/client";',
  "const [url, nickname] = process.argv.slice(2);",
  'const room = connect(url, { room: "Lobby", nickname });',
  'const live = new Promise((resolve) => room.on("state", ({ transport }) => /^s/.test(transport) && resolve()));',
  "await room.ready;",
  "const seen = [];",
  "const reading = (async () => {",
  "  for await (const { kind, text } of room) {",
  '    if (kind === "message") seen.push(text);',
  '    if (text === "by a stream") break;',
  "  }",
  "})();",
  'await room.send("one");',
  'await room.send("two");',
  "await live;",
  'await room.send("by a stream");',
  "await reading;",
  "const { events } = await room.history(undefined, 2);",
  'seen.push("history", ...events.map(({ text }) => text));',
  "await room.leave();",
  'console.log(seen.join(", "));',
];

for (const { name, scope, file, args } of RUNTIMES) {
  const program = process.env[`TEST_${name.toUpperCase()}`] ?? found(scope, file);
  const inRuntime = program === undefined ? test.skip : test;
  const reason = program === undefined ? ` (skipped: ${name} is not in test/runtimes)` : "";
  inRuntime(
    `in ${name} a program talks, reads by iteration over polls and a stream, and leaves${reason}`,
    async () => {
      const { NODE_OPTIONS: _jest, ...env } = process.env;
      const all = [...args, "talk.mjs", site.url, name];
      const { stdout } = await promisify(execFile)(program as string, all, { cwd: folder, env, timeout: 60_000 });
      expect(stdout).toBe("one, two, by a stream, history, two, by a stream\n");
      const answer = await fetch(`${site.url}/api/rooms/lobby/members`);
      expect(((await answer.json()) as { members: object[] }).members).toEqual([]);
    },
    70_000,
  );
}

/** Returns the program in the package for this system; npm installs no other. */
function found(scope: string, file: string): string | undefined {
  const home = join(ROOT, "test/runtimes/node_modules", scope);
  const packages = existsSync(home) ? readdirSync(home) : [];
  return packages.map((name) => join(home, name, file)).find((path) => existsSync(path));
}
