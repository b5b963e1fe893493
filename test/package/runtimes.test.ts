import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { openStream } from "../../server/testing.ts";
import { person, say } from "../support/app.ts";
import { freePort } from "../support/free-port.ts";
import { ROOT } from "../support/packed.ts";
import { until } from "../support/until.ts";
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

const bun = process.env.TEST_BUN ?? found("@oven", "bin/bun");
(bun === undefined ? test.skip : test)(
  `in Bun the site runs with its own PostgreSQL, and a message comes by a stream${bun === undefined ? " (skipped: Bun is not in test/runtimes)" : ""}`,
  async () => {
    const { NODE_OPTIONS: _jest, ...env } = process.env;
    const port = String(await freePort());
    const settings = { PORT: port, HOST: "127.0.0.1", DATA_DIR: join(folder, "data") };
    // Run by root, the database belongs to another user.
    chmodSync(folder, 0o755);
    const cli = join(ROOT, "dist/server/process/cli.js");
    const serving = spawn(bun as string, [cli, "serve"], { env: { ...env, ...settings }, stdio: "ignore" });
    const url = `http://127.0.0.1:${port}`;
    await until(
      "Bun serves",
      () =>
        fetch(`${url}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      40_000,
    );
    const stream = await openStream(url, { room: "lobby", timeoutMs: 20_000 });
    const ann = await person(url, "Ann");
    await say(url, ann, "served by Bun");
    expect((await stream.events(2))[1]).toMatchObject({ kind: "message", text: "served by Bun" });
    await stream.close();
    serving.kill("SIGTERM");
    expect(await once(serving, "exit")).toEqual([0, null]);
  },
  90_000,
);

/** Returns the program in the package for this system; npm installs no other. */
function found(scope: string, file: string): string | undefined {
  const home = join(ROOT, "test/runtimes/node_modules", scope);
  const packages = existsSync(home) ? readdirSync(home) : [];
  return packages.map((name) => join(home, name, file)).find((path) => existsSync(path));
}
