import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { build } from "esbuild";
import { connect } from "../../client/index.ts";
import { snippetWith } from "../docs/snippets.ts";
import { createDatabase, createEmptyDatabase } from "../support/database.ts";
import { endExamples, runExample } from "../support/example.ts";
import { freePort } from "../support/free-port.ts";
import { installPacked, type PackedProject, ROOT } from "../support/packed.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();
let project: PackedProject;
let database: Awaited<ReturnType<typeof createDatabase>>;

beforeAll(async () => {
  database = await createDatabase();
  project = await installPacked(["knex@3", "koa@3", "koa-mount@4", "react@19", "@types/node@20", "@types/koa-mount@4"]);
}, 180_000);
afterAll(async () => {
  await endExamples();
  project.remove();
  await database.drop();
});

function write(name: string, lines: string[]): string {
  const file = join(project.folder, name);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, lines.join("\n"));
  return file;
}

test("the tarball stays small, and brings no tests, sources or private types", () => {
  const { bytes, files } = project;
  expect(bytes.tarball).toBeLessThan(1_500_000);
  expect(bytes.chattera).toBeLessThan(4_500_000);
  expect(files.filter((file) => /\.test\.|(?<!\.d)\.[mc]?ts$|^(test|server|client|db|bench)\//.test(file))).toEqual([]);
  expect(files.filter((file) => file.endsWith("rooms/confusables.d.ts"))).toEqual([]);
});

describe("a host with its own knex, migrations and tables of the same names", () => {
  const HOST = [
    'import knex from "knex";',
    'import { createApp } from "chattera";',
    'import { openStream } from "chattera/testing";',
    "const url = process.env.DATABASE_URL;",
    'const migrations = { directory: "./migrations", loadExtensions: [".mjs"] };',
    'const own = knex({ client: "pg", connection: url, migrations });',
    "const migrate = async () => (await own.migrate.latest())[1].length;",
    "async function chat(text) {",
    "  const app = await createApp({ database: url, limits: false });",
    '  await app.post("lobby", { id: "user-1", nickname: "Host" }, text);',
    "  const read = [];",
    '  for await (const { kind, text } of app.events("lobby", { after: 0 })) {',
    '    if (kind === "message") read.push(text);',
    "    if (text === read.at(-1) && read.at(-1) === said.at(-1)) break;",
    "  }",
    "  await app.close();",
    "  return read;",
    "}",
    "const said = [];",
    "const talk = (text) => { said.push(text); return chat(text); };",
    "const done = [];",
    'for (const step of process.argv[2].split(",")) done.push(await (step === "host" ? migrate() : talk(step)));',
    'console.log(JSON.stringify([done, await own("rooms").pluck("number"), await own("events").pluck("title")]));',
    "await own.destroy();",
  ];
  const FIRST = [
    "export const up = async (knex) => {",
    '  await knex.schema.createTable("rooms", (table) => table.integer("number"));',
    '  await knex.schema.createTable("events", (table) => table.text("title"));',
    '  await knex("rooms").insert({ number: 7 });',
    "};",
    "export const down = async () => {};",
  ];
  const SECOND = [
    'export const up = (knex) => knex("events").insert({ title: "party" });',
    "export const down = async () => {};",
  ];

  test.each([
    ["before chattera", "host,hello", [1, ["hello"]]],
    ["after chattera", "hello,host", [["hello"], 1]],
  ])(
    "migrates %s, and both start again after the host's next migration",
    async (order, steps, outcome) => {
      const { url, drop } = await createEmptyDatabase();
      const home = `host ${order}`;
      write(`${home}/host.mjs`, HOST);
      write(`${home}/migrations/001_tables.mjs`, FIRST);
      const start = async (args: string) =>
        JSON.parse(await project.run(["host.mjs", args], { DATABASE_URL: url }, home)) as unknown[];
      expect(await start(steps)).toEqual([outcome, [7], []]);
      write(`${home}/migrations/002_party.mjs`, SECOND);
      expect(await start("host,again,host")).toEqual([[1, ["hello", "again"], 0], [7], ["party"]]);
      await drop();
    },
    60_000,
  );
});

describe("the types", () => {
  const lines = [
    'import { createApp, type App, type AppOptions } from "chattera";',
    'import { openStream } from "chattera/testing";',
    'import { connect, type RoomHandle, type RoomEvent } from "chattera/client";',
    "export const options: AppOptions = { database: { host: 'localhost', max: 5 }, graceSeconds: 30 };",
    "export const opened: Promise<App> = createApp(options);",
    "export const stream = openStream('http://localhost:3000', { room: 'lobby' });",
    "void opened.then(async (chat) => {",
    "  const handler: (request: never, response: never) => Promise<void> = chat.callback();",
    "  chat.on('message', ({ text, member }) => [text, member.nickname]);",
    "  await chat.close();",
    "  const first: number = chat; // wrong",
    "  const second: number = chat.close; // wrong",
    "  return [handler, first, second, chat.site]; // wrong",
    "});",
    "void createApp({ database: 5 }); // wrong",
    "void createApp({ database: 'postgres://db', graceSeconds: '30' }); // wrong",
    "void createApp({ database: 'postgres://db', authorize: () => 'maybe' }); // wrong",
    "void stream.then((one) => one.events('two')); // wrong",
    'const room: RoomHandle = connect("http://localhost:3000", { room: "lobby", nickname: "Ann" });',
    'room.on("event", (event: RoomEvent) => event.kind === "rename" && event.former.nickname.trim());',
    'room.on("state", ({ state, transport, slow }) => [state === "live", transport === "sse", slow]);',
    "export const read = async () => { for await (const { seq } of room) seq.toFixed(); };",
    "export const kept: string | undefined = room.token();",
    "export const sent: Promise<RoomEvent> = room.send(1); // wrong",
    'room.on("state", ({ transport }) => transport === "websocket"); // wrong',
    'room.on("refused", ({ code }) => code === "nickname_token"); // wrong',
    'room.on("event", (event) => event.kind === "mesage"); // wrong',
    'room.on("event", (event) => event.kind === "message" && event.former); // wrong',
    'room.on("massage", () => {}); // wrong',
    'connect("http://localhost:3000", { roomm: "lobby" }); // wrong',
  ];
  const wrong = lines.flatMap((line, index) => (line.endsWith("// wrong") ? [index + 1] : []));

  test.each([
    ["mts", "nodenext", "nodenext"],
    ["cts", "nodenext", "nodenext"],
    ["mts", "node16", "node16"],
    ["cts", "node16", "node16"],
    ["ts", "esnext", "bundler"],
    ["mts", "preserve", "bundler"],
  ])(
    "catch each planted error in a .%s file with module %s and resolution %s, and are free of errors",
    async (extension, module, resolution) => {
      const file = `use-${module}.${extension}`;
      write(file, lines);
      const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
      const options = ["--noEmit", "--strict", "--skipLibCheck", "false", "--target", "es2022", "--lib", "es2023"];
      const how = ["--module", module, "--moduleResolution", resolution, "--types", "node"];
      const { stdout } = await project
        .run([tsc, ...options, ...how, file])
        .then((out) => ({ stdout: out }))
        .catch((error: { stdout: string }) => error);
      const errors = stdout.split("\n").filter((line) => /^\S/.test(line));
      const numbers = errors.map((line) => (line.startsWith(file) ? Number(/\((\d+),/.exec(line)?.[1]) : line));
      expect(numbers).toEqual(wrong);
    },
    60_000,
  );
});

describe("the server", () => {
  test.each([
    ["imported", "server.mjs", 'import { createApp } from "chattera"; import { openStream } from "chattera/testing";'],
    [
      "required",
      "server.cjs",
      'const { createApp } = require("chattera"); const { openStream } = require("chattera/testing");',
    ],
  ])(
    "is %s by a host",
    async (_, file, load) => {
      write(file, [
        load,
        "async function main() {",
        "  const chat = await createApp({ database: process.env.DATABASE_URL });",
        '  const stream = await openStream(chat.callback(), { room: "lobby" });',
        '  console.log(Object.keys(await stream.signal("hello")).includes("cursor"));',
        "  await stream.close();",
        "  await chat.close();",
        "}",
        "main();",
      ]);
      expect(await project.run([file], { DATABASE_URL: database.url })).toBe("true\n");
    },
    60_000,
  );

  test("is started by the command of the package", async () => {
    const { name } = JSON.parse(await project.run(["-p", 'JSON.stringify(require("chattera/package.json"))']));
    expect(name).toBe("chattera");
    const version = await project.run([join("node_modules", ".bin", "chattera"), "--version"]);
    expect(version).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("the client", () => {
  const bot = (load: string) => [
    load,
    "const room = connect(process.env.SITE, { room: 'lobby', nickname: 'bot' + process.pid });",
    "const heard = new Promise((resolve) => room.on('event', (event) => event.text === 'beep' && resolve()));",
    "room.on('event', (event) => console.log(event.kind, event.text ?? ''));",
    "room.ready",
    "  .then(() => room.send('beep'))",
    "  .then((event) => heard.then(() => event))",
    "  .then((event) => room.history(event.seq + 1, 1))",
    "  .then(({ events }) => { console.log('history', events[0].text); return room.leave(); })",
    "  .catch((error) => { console.error(error); process.exit(1); });",
  ];
  const talked = /message beep\n[\s\S]*history beep\n/;

  test.each([
    ["imported", "bot.mjs", 'import { connect } from "chattera/client";'],
    ["required", "bot.cjs", 'const { connect } = require("chattera/client");'],
  ])(
    "is %s by a bot, which speaks, hears itself, reads history and ends",
    async (_, file, load) => {
      write(file, bot(load));
      expect(await project.run([file], { SITE: site.url })).toMatch(talked);
    },
    30_000,
  );

  test("is bundled with esbuild, for a page in one script and for Node in one file that runs", async () => {
    const entry = write("page.js", ['import { connect } from "chattera/client";', "globalThis.connect = connect;"]);
    const page = await bundle(entry, { format: "iife", platform: "browser", minify: true });
    expect(page).not.toMatch(/node:|require\(/);
    // For comparison, `socket.io-client` has 12.9 kB.
    expect(gzipSync(page).length).toBeLessThan(24_000);
    const unused = write("unused.js", ['import "chattera/client";']);
    expect((await bundle(unused, { format: "esm", platform: "browser", minify: true })).length).toBeLessThan(1_000);
    const program = write("bundle-of.js", bot('import { connect } from "chattera/client";'));
    write("bundled.mjs", [await bundle(program, { format: "esm", platform: "node" })]);
    expect(await project.run(["bundled.mjs"], { SITE: site.url })).toMatch(talked);
  }, 30_000);
});

describe("a copy of an example in a project", () => {
  beforeAll(() => cpSync(join(project.folder, "node_modules/chattera/examples"), project.folder, { recursive: true }));

  test("the bot answers", async () => {
    const bot = runExample("bot/bot.js", [site.url, "lobby"], { folder: project.folder });
    await until("the bot reads", () => bot.printed().includes("Reading lobby"), 20_000);
    const ann = connect(site.url, { room: "lobby", nickname: "Ann" });
    const texts: (string | undefined)[] = [];
    ann.on("event", ({ kind, text }) => kind === "message" && texts.push(text));
    await ann.send("!time");
    await until("the bot has answered", () => texts.length === 2, 20_000);
    await ann.leave();
    expect(await bot.end()).toBe(0);
  }, 60_000);

  test("the Koa app serves the chat", async () => {
    const settings = { DATABASE_URL: database.url, PORT: "0", folder: project.folder };
    const app = runExample("own-koa-app/app.js", [], settings);
    const url = await until("the app listens", () => /http:\S+/.exec(app.printed())?.[0], 20_000);
    expect(await (await fetch(`${url}/chat/`)).text()).toContain("/chat/assets/main-");
    expect(await app.end()).toBe(0);
  }, 60_000);

  test("the page's server has the client", async () => {
    const port = String(await freePort());
    const page = runExample("own-page/server.js", [], { SITE: site.url, PORT: port, folder: project.folder });
    await until("the page's server listens", () => page.printed().includes(port), 20_000);
    expect(await (await fetch(`http://localhost:${port}/chattera.js`)).text()).toContain("connect");
  }, 60_000);

  test("two nodes share a database", async () => {
    const ports = [await freePort(), await freePort()];
    const settings = { DATABASE_URL: database.url, PORTS: ports.join(), folder: project.folder };
    const nodes = runExample("two-nodes/nodes.js", [], settings);
    await until("both nodes listen", () => nodes.printed().match(/chattera is at/g)?.length === 2, 30_000);
    expect(await nodes.end()).toBe(0);
  }, 60_000);

  test("the React hook is bundled together with the component of its README", async () => {
    const component = snippetWith("examples/react/README.md", "function Chat()").code;
    const entry = write("chat.jsx", ['import { useRoom } from "./react/use-room.js";', component, "export { Chat };"]);
    expect(await bundle(entry, { format: "esm", platform: "browser", jsx: "automatic" })).toContain("useRoom(");
  });
});

type How = { format: "esm" | "iife"; platform: "browser" | "node"; minify?: boolean; jsx?: "automatic" };

/** Bundles a file of the project, without warnings. */
async function bundle(entry: string, how: How): Promise<string> {
  const { outputFiles, warnings } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    absWorkingDir: project.folder,
    ...how,
  });
  expect([warnings, outputFiles.length]).toEqual([[], 1]);
  return outputFiles[0]?.text ?? "";
}
