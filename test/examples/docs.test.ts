import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import request from "supertest";
import { connect } from "../../client/index.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const LOCAL = "http://localhost:3000";

const site = useSite();
const running = new Set<ChildProcess>();
let folder: string;

// Inside the package, so that the snippets can import "chattera" by its name.
beforeAll(() => {
  folder = mkdtempSync(join(ROOT, "test/examples/snippet-"));
});

afterAll(async () => {
  for (const child of running) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  rmSync(folder, { recursive: true });
});

/** Returns a page's JavaScript that contains a text. */
function snippetWith(page: string, text: string): string {
  const blocks = readFileSync(join(ROOT, page), "utf8").matchAll(/^```js[^\n]*\n([\s\S]*?)^```/gm);
  const found = [...blocks].map(([, code = ""]) => code).filter((code) => code.includes(text));
  expect(found).toHaveLength(1);
  return found[0] ?? "";
}

/** Runs a snippet in a process of its own, and returns everything that it prints. */
function run(name: string, code: string, args: string[] = []): { printed(): string; ended: Promise<number | null> } {
  const file = join(folder, name);
  writeFileSync(file, code);
  const { NODE_OPTIONS: _jest, ...environment } = process.env;
  const env = { ...environment, DATABASE_URL: site.databaseUrl };
  const child = spawn(process.execPath, [...args, file], { cwd: ROOT, env });
  running.add(child);
  let printed = "";
  for (const pipe of [child.stdout, child.stderr])
    pipe.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  const ended = once(child, "exit").then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  return { printed: () => printed, ended };
}

test.each([
  ["README.md", "Hello, I am a bot."],
  ["README.ja.md", "こんにちは、ボットです。"],
])("the bot of %s sends and prints its message", async (page, text) => {
  const room = page.toLowerCase().replaceAll(".", "-");
  await request(site.url).post("/api/rooms").send({ slug: room }).expect(201);
  const code = snippetWith(page, "chattera/client").replace(LOCAL, site.url).replace("lobby", room);
  const bot = run(`${page}.mjs`, code);
  await until("the bot has read its own message", () => bot.printed().includes(`echo ${text}`));
});

test("the bot of the tutorial answers a question about the time", async () => {
  const page = "docs/tutorials/first-site-and-bot.md";
  run("bot.mjs", snippetWith(page, "chattera/client").replace(LOCAL, site.url));
  const ann = connect(site.url, { room: "lobby", nickname: "Ann" });
  const texts: string[] = [];
  ann.on("event", ({ member, text }) => member.nickname === "clock" && texts.push(text ?? ""));
  await until("the bot is there", () => texts.includes("Ask me for the time."));
  await ann.send("What time is it?");
  await until("the bot has answered", () => texts.some((text) => text.startsWith("It is ")));
  ann.close();
});

test.each(["README.md", "README.ja.md", "docs/how-to/mount-in-koa.md"])("the app of %s serves a chat", async (page) => {
  const port = await freePort();
  const code = snippetWith(page, "koa-mount").replace("3000", String(port));
  run(`${page.replaceAll("/", "-")}.mjs`, code.replace(/"postgres:[^"]+"/, "process.env.DATABASE_URL"));
  const status = () => fetch(`http://127.0.0.1:${port}/chat/healthz`).then((answer) => answer.status);
  await until(
    "the app serves",
    () =>
      status().then(
        (now) => now === 200,
        () => false,
      ),
    15_000,
  );
});

test("the test of the how-to guide passes", async () => {
  const code = snippetWith("docs/how-to/test-with-supertest.md", "chattera/testing");
  const config = JSON.stringify({ rootDir: folder, testMatch: ["**/*.spec.mjs"], transform: {}, haste: {} });
  const jest = join(ROOT, "node_modules/jest/bin/jest.js");
  const name = "guide.spec.mjs";
  const { printed, ended } = run(name, code, ["--experimental-vm-modules", jest, "--config", config]);
  expect([await ended, printed()]).toEqual([0, expect.stringContaining("1 passed")]);
}, 30_000);
