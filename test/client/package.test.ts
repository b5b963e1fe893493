import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { build } from "esbuild";
import { openSite, type TestSite } from "../support/app.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

/** The package as somebody else's project has it: built, under node_modules. */
describe("chattera/client in another project", () => {
  let site: TestSite;
  let folder: string;
  let url: string;

  beforeAll(async () => {
    site = await openSite();
    url = site.nodes[0]?.url ?? "";
    folder = mkdtempSync(join(tmpdir(), "chattera-project-"));
    const home = join(folder, "node_modules/chattera");
    mkdirSync(home, { recursive: true });
    cpSync(join(ROOT, "package.json"), join(home, "package.json"));
    symlinkSync(join(ROOT, "dist"), join(home, "dist"));
    expect(existsSync(join(ROOT, "dist/client/types/client/index.d.ts"))).toBe(true);
  });

  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await site.close();
  });

  const bot = (load: string) => `${load}
    const room = connect(${JSON.stringify(url)}, { room: "lobby", nickname: "bot" + process.pid });
    const heard = new Promise((resolve) => room.on("event", (event) => event.text === "beep" && resolve()));
    room.on("event", (event) => console.log(event.kind, event.text ?? ""));
    room.ready
      .then(() => room.send("beep"))
      .then((event) => heard.then(() => event))
      .then((event) => room.history(event.seq + 1, 1))
      .then(({ events }) => { console.log("history", events[0].text); room.close(); })
      .catch((error) => { console.error(error); process.exit(1); });`;

  test.each([
    ["imported", "bot.mjs", 'import { connect } from "chattera/client";'],
    ["required", "bot.cjs", 'const { connect } = require("chattera/client");'],
  ])("is %s by a bot in Node, which speaks, hears itself, reads history and ends", async (_, file, load) => {
    writeFileSync(join(folder, file), bot(load));
    const { stdout } = await run(process.execPath, [file], { cwd: folder, timeout: 20_000, env: {} });
    expect(stdout).toMatch(/message beep\n[\s\S]*history beep\n/);
  });

  test("is bundled for browsers", async () => {
    writeFileSync(join(folder, "page.js"), 'import { connect } from "chattera/client"; globalThis.connect = connect;');
    const { outputFiles, warnings } = await build({
      entryPoints: [join(folder, "page.js")],
      bundle: true,
      write: false,
      format: "iife",
      platform: "browser",
    });
    expect([warnings, outputFiles.length]).toEqual([[], 1]);
  });

  test.each([
    ["mts", "nodenext"],
    ["cts", "nodenext"],
    ["mts", "node16"],
    ["cts", "node16"],
    ["mts", "preserve"],
  ])("has types for a .%s file under module %s, which catch errors", async (extension, module) => {
    const lines = [
      'import { connect, type RoomHandle, type RoomEvent } from "chattera/client";',
      'const room: RoomHandle = connect("http://localhost:3000", { room: "lobby", nickname: "Ann" });',
      'room.on("event", (event: RoomEvent) => event.kind === "rename" && event.former.nickname.trim());',
      'room.on("state", ({ state, transport, slow }) => [state === "live", transport === "sse", slow]);',
      "export const read = async () => { for await (const { seq } of room) seq.toFixed(); };",
      "export const kept: string | undefined = room.token();",
      "export const sent: Promise<RoomEvent> = room.send(1);",
      'room.on("state", ({ transport }) => transport === "websocket");',
      'room.on("refused", ({ code }) => code === "nickname_token");',
      'room.on("event", (event) => event.kind === "mesage");',
      'room.on("event", (event) => event.kind === "message" && event.former);',
      'room.on("massage", () => {});',
    ];
    writeFileSync(join(folder, `use.${extension}`), lines.join("\n"));
    const resolution = module === "preserve" ? "bundler" : module;
    const options = [
      "--noEmit",
      "--strict",
      "--module",
      module,
      "--moduleResolution",
      resolution,
      "--target",
      "es2022",
    ];
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const file = `use.${extension}`;
    const output = await run(process.execPath, [tsc, ...options, "--lib", "es2022", file], { cwd: folder }).then(
      () => "nothing",
      ({ stdout }: { stdout: string }) => stdout,
    );
    const errors = output.split("\n").flatMap(
      (line) =>
        line
          .match(/^\S+\((\d+),.*(TS\d+)/)
          ?.slice(1)
          .join(" ") ?? [],
    );
    expect(errors).toEqual(["7 TS2345", "8 TS2367", "9 TS2367", "10 TS2367", "11 TS2339", "12 TS2345"]);
  });

  test("runs the example in the documentation", async () => {
    const docs = readFileSync(join(ROOT, "docs/client.md"), "utf8");
    const [, example = ""] = /```js bot\n([\s\S]*?)```/.exec(docs) ?? [];
    expect(example).toContain("connect(");
    writeFileSync(join(folder, "documented.mjs"), example.replace("http://localhost:3000", url));
    const { stdout } = await run(process.execPath, ["documented.mjs"], { cwd: folder, timeout: 20_000, env: {} });
    expect(stdout).toMatch(/^sent as number \d+$/m);
  });
});
