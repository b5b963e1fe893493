import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { connect } from "../../client/index.ts";
import { SNIPPET_PAGES, snippetsOf, snippetWith } from "../docs/snippets.ts";
import { createDatabase } from "../support/database.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

// Each snippet runs as it is written, except that addresses, ports and folders are those of the
// test.

const ROOT = resolve(import.meta.dirname, "../..");
const LOCAL = "http://localhost:3000";

const site = useSite();
const running = new Set<ChildProcess>();
/** Inside the package, so that the snippets can import "chattera" by its name. */
let folder: string;
/** A folder with nothing in it, and with the command `chattera` in `bin`. */
let home: string;

beforeAll(() => {
  folder = mkdtempSync(join(ROOT, "test/examples/snippet-"));
  home = mkdtempSync(join(tmpdir(), "chattera-snippets-"));
  mkdirSync(join(home, "bin"));
  symlinkSync(join(ROOT, "dist/server/process/cli.js"), join(home, "bin/chattera"));
  // `npm start` checks the build for some seconds first. One test lets it.
  writeFileSync(join(home, "bin/npm"), '#!/bin/sh\n[ "$1" = start ] && exec chattera serve\n', { mode: 0o755 });
});

afterEach(async () => {
  for (const child of running) {
    const exited = once(child, "exit");
    end(child);
    await exited;
  }
});

afterAll(() => {
  for (const one of [folder, home]) rmSync(one, { recursive: true });
});

type Settings = { [name: string]: string };

type Run = { child: ChildProcess; printed(): string; ended: Promise<number | null> };

/** Starts a program in a group of its own, and collects everything that it prints. */
function start([command, ...args]: [string, ...string[]], cwd: string, settings: Settings = {}): Run {
  const { NODE_OPTIONS: _jest, ...environment } = process.env;
  const PATH = `${join(home, "bin")}:${process.env.PATH}`;
  const env = { ...environment, DATABASE_URL: site.databaseUrl, ...settings, PATH };
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
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
  return { child, printed: () => printed, ended };
}

/** Ends a shell and everything that it started. */
function end({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, "SIGKILL");
}

function runJs(name: string, code: string, args: string[] = []): Run {
  writeFileSync(join(folder, name), code);
  return start([process.execPath, ...args, join(folder, name)], folder);
}

function runShell(code: string, cwd: string, settings: Settings = {}): Run {
  return start(["bash", "-ec", code], cwd, settings);
}

async function endsWell(run: Run): Promise<string> {
  const code = await run.ended;
  expect([code, run.printed()]).toEqual([0, run.printed()]);
  return run.printed();
}

/** The snippets that tests run, by their page and a text in them. */
const RUN_BY: [page: string, text: string][] = [];

/** The files of other tests that run snippets, and the pages that have them. */
const ELSEWHERE = [
  ["test/package/tarball.test.ts", "examples/react/README.md"],
  ["test/journeys/embed.test.ts", "docs/how-to/embed-in-a-page.md"],
] as const;

/** Registers a test of the snippets with a text, one for each page. */
function snippets(
  [name, text]: [name: string, text: string],
  pages: string[],
  run: (code: string, page: string) => Promise<void>,
): void {
  for (const page of pages) RUN_BY.push([page, text]);
  test.each(pages)(`${name} of %s`, (page) => run(snippetWith(page, text).code, page), 60_000);
}

RUN_BY.push(["examples/react/README.md", "function Chat()"]);
for (const text of ["/embed.js", "<iframe", "dataset.state", "new EventSource("])
  RUN_BY.push(["docs/how-to/embed-in-a-page.md", text]);

describe("bots", () => {
  snippets(["the bot that says hello", '"chattera/client"'], ["README.md", "README.ja.md"], async (code, page) => {
    const room = page.toLowerCase().replaceAll(".", "-");
    await request(site.url).post("/api/rooms").send({ slug: room }).expect(201);
    const [, text] = /room\.send\("([^"]+)"\)/.exec(code) ?? [];
    const bot = runJs(`${page}.mjs`, code.replace(LOCAL, site.url).replace("lobby", room));
    await until("the bot has read its own message", () => bot.printed().includes(`echo ${text}`), 15_000);
  });

  snippets(["the first bot", "Hello, I am a bot."], ["docs/client.md"], async (code) => {
    expect(await endsWell(runJs("first.mjs", code.replace(LOCAL, site.url)))).toMatch(/^sent as number \d+$/m);
  });

  snippets(["the bot that keeps its identity", "token.txt"], ["docs/client.md"], async (code) => {
    const before = 'import { connect } from "chattera/client";\n';
    const inRoom = code.replace(LOCAL, site.url).replaceAll('"echo"', '"same"');
    // The first run is killed, so its nickname is still taken when the second one comes.
    const first = runJs("same.mjs", before + inRoom);
    await until("the token is stored", () => existsSync(join(folder, "token.txt")), 15_000);
    end(first.child);
    await first.ended;
    const second = runJs("same.mjs", `${before + inRoom}console.log("entered");\n`);
    await until("it enters again at once", () => second.printed().includes("entered"), 15_000);
    second.child.kill("SIGTERM");
    expect(await second.ended).toBe(0);
  });

  const TUTORIAL = "docs/tutorials/first-site-and-bot.md";
  RUN_BY.push([TUTORIAL, '"chattera/client"']);
  snippets(["the bot and its command", "node bot.mjs"], [TUTORIAL], async (command) => {
    const { code } = snippetWith(TUTORIAL, '"chattera/client"');
    writeFileSync(join(folder, "bot.mjs"), code.replace(LOCAL, site.url));
    runShell(command, folder);
    const ann = connect(site.url, { room: "lobby", nickname: "Ann" });
    const texts: string[] = [];
    ann.on("event", ({ member, text }) => member.nickname === "clock" && texts.push(text ?? ""));
    await until("the bot is there", () => texts.includes("Ask me for the time."), 15_000);
    await ann.send("What time is it?");
    await until("the bot has answered", () => texts.some((text) => text.startsWith("It is ")));
    ann.close();
  });

  snippets(["curl", "curl -N"], [TUTORIAL], async (command) => {
    const curl = runShell(command.replace(LOCAL, site.url), home);
    await until("the stream begins", () => curl.printed().includes("event: hello"), 15_000);
    const ann = connect(site.url, { room: "lobby", nickname: "Curl's" });
    await ann.send("read by curl");
    await until("the message is a line", () => /^data: .*read by curl/m.test(curl.printed()));
    await ann.leave();
    end(curl.child);
  });
});

describe("hosts", () => {
  const HOSTS = ["README.md", "README.ja.md", "docs/how-to/mount-in-koa.md"];
  snippets(["the app that serves a chat", "koa-mount"], HOSTS, async (code, page) => {
    const port = await freePort();
    const ours = code.replace("3000", String(port)).replace(/"postgres:[^"]+"/, "process.env.DATABASE_URL");
    runJs(`${page.replaceAll("/", "-")}.mjs`, ours);
    await serves(`http://127.0.0.1:${port}/chat/healthz`);
  });

  snippets(["the users of a host", "identify:"], ["docs/host.md"], async (code) => {
    const before = 'import { createApp } from "chattera";\nimport Koa from "koa";\nimport mount from "koa-mount";\n';
    const after = `const app = new Koa();
      app.use((ctx, next) => { if (ctx.get("X-User")) ctx.state.user = { id: 7, name: ctx.get("X-User") }; return next(); });
      app.use(mount("/chat", chat));
      const server = app.listen(0, () => console.log("port " + server.address().port));`;
    const run = runJs("users.mjs", before + code + after);
    const port = await until("it listens", () => /port (\d+)/.exec(run.printed())?.[1], 15_000);
    const url = `http://127.0.0.1:${port}`;
    const { body } = await request(url).get("/chat/api/session").set("X-User", "Alice").expect(200);
    expect(body.member).toMatchObject({ id: "user-7", nickname: "Alice" });
    await request(url).get("/chat/api/session").expect(401);
  });

  snippets(["the loop over events", "chat.events("], ["docs/host.md"], async (code) => {
    const before = `import { createApp } from "chattera";
      const chat = await createApp({ database: process.env.DATABASE_URL });
      let cursor = (await chat.rooms.find("lobby")).head;
      const handle = async ({ text }) => { if (text) { console.log("handled", text, typeof cursor); await chat.close(); } };
      await chat.post("lobby", { id: "user-9", nickname: "Poster" }, "to the loop");\n`;
    expect(await endsWell(runJs("loop.mjs", before + code))).toContain("handled to the loop");
  });

  snippets(["the listener with a name", 'name: "search"'], ["docs/host.md"], async (code) => {
    const before = `import { createApp } from "chattera";
      const chat = await createApp({ database: process.env.DATABASE_URL });
      const index = async ({ text }) => {
        if (text !== "to the index") return;
        console.log("indexed", text);
        setImmediate(() => chat.close());
      };\n`;
    const after = '\nawait chat.post("lobby", { id: "user-8", nickname: "Indexed" }, "to the index");';
    expect(await endsWell(runJs("listener.mjs", before + code + after))).toContain("indexed to the index");
  });

  RUN_BY.push(["docs/testing.md", "testClock: true"]);
  snippets(["the test with its own clock", "a guest leaves"], ["docs/testing.md"], async (code, page) => {
    const before = 'import { createApp } from "chattera";\nimport { after } from "node:test";\n';
    const app = snippetWith(page, "testClock: true").code;
    const close = "after(() => chat.close());\n";
    expect(await endsWell(runJs("clock.mjs", before + app + code + close))).toMatch(/pass 1\b/);
  });

  snippets(["the test", "chattera/testing"], ["docs/how-to/test-with-supertest.md"], async (code) => {
    const config = JSON.stringify({ rootDir: folder, testMatch: ["**/*.spec.mjs"], transform: {}, haste: {} });
    const jest = join(ROOT, "node_modules/jest/bin/jest.js");
    const args = ["--experimental-vm-modules", jest, "--config", config];
    expect(await endsWell(runJs("guide.spec.mjs", code, args))).toContain("1 passed");
  });
});

describe("sites", () => {
  snippets(["the named site", "CHATTERA_NAME"], ["README.md", "README.ja.md"], async (code, page) => {
    const isReal = page === "README.md";
    const url = await served(isReal ? `PATH=\${PATH#*:}; ${code}` : code);
    const html = await (await fetch(url)).text();
    expect(html).toContain(/CHATTERA_NAME="([^"]+)"/.exec(code)?.[1]);
    expect(html).toContain(/, tea=([^"]+)"/.exec(code)?.[1]);
  });

  snippets(["the site behind a proxy", "TRUST_PROXY"], ["docs/how-to/behind-a-proxy.md"], (code) => serve(code));
  snippets(["the site that allows an origin", "CHATTERA_ORIGINS"], ["examples/own-page/README.md"], async (code) => {
    const [siteLine = "", pageLine = ""] = code.split("\n");
    const url = await served(siteLine);
    const port = String(await freePort());
    const page = runShell(pageLine, ROOT, { SITE: url, PORT: port });
    await until("the page's server listens", () => page.printed().includes(port), 15_000);
    expect(await (await fetch(`http://localhost:${port}`)).text()).toContain(url);
  });

  snippets(
    ["the site and the bot", "npm start  "],
    ["examples/bot/README.md", "examples/python/README.md"],
    async (code) => {
      const [siteLine = "", botLine = ""] = code.split("\n");
      const url = await served(siteLine);
      const bot = runShell(botLine.replace(LOCAL, url), ROOT);
      // The bot of another test, which was killed, may have its name for 30 s more.
      await until("the bot reads", () => bot.printed().includes("Reading lobby"), 45_000);
    },
  );

  snippets(["the Koa app's command", "app.js"], ["examples/own-koa-app/README.md"], async (code) => {
    const { url, drop } = await createDatabase();
    const port = await freePort();
    const app = runShell(withDatabase(code, url), ROOT, { PORT: String(port) });
    await serves(`http://127.0.0.1:${port}/chat/healthz`);
    end(app.child);
    await app.ended;
    await drop();
  });

  snippets(
    ["the two nodes", "DATABASE_URL="],
    ["docs/how-to/two-nodes.md", "examples/two-nodes/README.md"],
    async (code) => {
      const { url, drop } = await createDatabase();
      const ports = [await freePort(), await freePort()];
      const settings = { PORTS: ports.join() };
      const ours = ports.reduce(
        (text, port, n) => text.replace(`PORT=300${n}`, `PORT=${port}`),
        withDatabase(code, url),
      );
      const nodes = ours
        .trim()
        .split("\n")
        .map((line) => runShell(line, ROOT, settings));
      for (const port of ports) await serves(`http://127.0.0.1:${port}/readyz`);
      for (const { child, ended } of nodes) {
        end(child);
        await ended;
      }
      await drop();
    },
  );
});

describe("an operator's commands", () => {
  const HOURS = ["docs/first-hour.md", "docs/first-hour.ja.md"];

  // Both systemd and Docker read such a file as a shell does, without commands.
  snippets(["the settings", "CHATTERA_DESCRIPTION"], HOURS, async (code) => {
    const page = await (
      await fetch(await served(`set -a\n${code}\nset +a\nunset CHATTERA_HOSTS\nchattera serve`))
    ).text();
    expect(page).toContain(/CHATTERA_NAME=(\S+)/.exec(code)?.[1]);
  });

  snippets(["the rooms", "CHATTERA_ROOMS"], HOURS, async (code) => {
    const page = await (await fetch(await served(`export ${code.trim()}\nchattera serve`))).text();
    expect(page).toContain(/tea=([^']+)'/.exec(code)?.[1]);
  });

  snippets(["the operator's link", "operator link"], HOURS, async (code) => {
    expect(await endsWell(runShell(code, home))).toMatch(/https:\/\/chat\.example\.org\/\S+/);
  });

  snippets(["the backup", "/var/backups"], HOURS, async (code) => {
    const file = join(home, `backup-${Math.random()}`);
    await endsWell(runShell(code.replaceAll("/var/backups/chattera.backup", file), home));
    expect(existsSync(file)).toBe(true);
  });

  snippets(["the backup and its restore", "chattera restore"], ["docs/operations.md"], async (code) => {
    const file = join(home, "operations.backup");
    const [backup = "", restore = ""] = code.replaceAll("/var/backups/chattera.backup", file).split("\n");
    await endsWell(runShell(backup, home));
    const { url, drop } = await createDatabase();
    await endsWell(runShell(restore, home, { DATABASE_URL: url }));
    await drop();
  });

  snippets(["a room as files", "chattera export"], ["docs/operations.md"], async (code) => {
    const { url, drop } = await createDatabase();
    const [jsonl = "", html = "", back = ""] = code.split("\n");
    await request(site.url).post("/api/rooms").send({ slug: "tea" });
    await endsWell(runShell(`${jsonl}\n${html}`, home));
    expect(readFileSync(join(home, "tea.html"), "utf8")).toContain("<html");
    await endsWell(runShell(back, home, { DATABASE_URL: url }));
    await drop();
  });
});

test("every snippet of the docs is run by a test, or says why it cannot", () => {
  const all = SNIPPET_PAGES.flatMap(snippetsOf);
  expect(all.length).toBeGreaterThan(40);
  const missing = all.filter(
    ({ page, code, reason }) =>
      reason === undefined && !RUN_BY.some(([of, text]) => of === page && code.includes(text)),
  );
  expect(missing.map(({ page, line, code }) => `${page}:${line}: ${code.split("\n")[0]}`)).toEqual([]);
});

test("no snippet says that it cannot run although a test runs it", () => {
  const doubled = SNIPPET_PAGES.flatMap(snippetsOf).filter(
    ({ page, code, reason }) => reason !== undefined && RUN_BY.some(([of, text]) => of === page && code.includes(text)),
  );
  expect(doubled.map(({ page, line }) => `${page}:${line}`)).toEqual([]);
});

test.each(ELSEWHERE)("%s runs snippets of %s", (file, page) => {
  expect(readFileSync(join(ROOT, file), "utf8")).toContain(page);
});

function withDatabase(code: string, url: string): string {
  return code.replaceAll(/postgres:\S+/g, url);
}

/** Runs commands that start a site, and returns its address when it serves. */
async function served(code: string): Promise<string> {
  const port = await freePort();
  runShell(code.replace("PORT=3000", `PORT=${port}`), ROOT, { PORT: String(port) });
  await serves(`http://127.0.0.1:${port}/healthz`);
  return `http://localhost:${port}`;
}

async function serve(code: string): Promise<void> {
  await served(code);
}

async function serves(url: string): Promise<void> {
  const status = () => fetch(url).then((answer) => answer.status === 200);
  await until(`${url} answers`, () => status().catch(() => false), 50_000);
}
