import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createDatabase } from "../support/database.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PACKAGE = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  dependencies: { [name: string]: string };
};
const run = promisify(execFile);

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "chattera-host-"));
  const home = join(folder, "node_modules/chattera");
  mkdirSync(home, { recursive: true });
  cpSync(join(ROOT, "package.json"), join(home, "package.json"));
  symlinkSync(join(ROOT, "dist"), join(home, "dist"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the types of the server in another project", () => {
  const lines = [
    'import { createApp, type App, type AppOptions } from "chattera";',
    'import { openStream } from "chattera/testing";',
    "export const options: AppOptions = { database: { host: 'localhost', max: 5 }, graceSeconds: 30 };",
    "export const opened: Promise<App> = createApp(options);",
    "export const stream = openStream('http://localhost:3000', { room: 'lobby' });",
    "void opened.then(async (chat) => {",
    "  const handler: (request: never, response: never) => Promise<void> = chat.callback();",
    "  await chat.close();",
    "  const first: number = chat; // wrong",
    "  const second: number = chat.close; // wrong",
    "  return [handler, first, second, chat.site]; // wrong",
    "});",
    "void createApp({ database: 5 }); // wrong",
    "void createApp({ database: 'postgres://db', graceSeconds: '30' }); // wrong",
    "void stream.then((one) => one.events('two')); // wrong",
  ];
  const wrong = lines.flatMap((line, index) => (line.endsWith("// wrong") ? [index + 1] : []));

  test.each([
    ["mts", "nodenext", []],
    ["cts", "nodenext", []],
    ["mts", "node16", []],
    ["cts", "node16", []],
    ["ts", "esnext", ["--moduleResolution", "bundler"]],
  ])(
    "catch each planted error in a .%s file with module %s, and are free of errors",
    async (extension, module, more) => {
      writeFileSync(join(folder, `use.${extension}`), lines.join("\n"));
      const options = ["--noEmit", "--strict", "--skipLibCheck", "false", "--target", "es2022", "--lib", "es2023"];
      const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
      const types = ["--typeRoots", join(ROOT, "node_modules/@types"), "--types", "node"];
      const all = [tsc, ...options, ...types, "--module", module, ...more, `use.${extension}`];
      const { stdout } = await run(process.execPath, all, { cwd: folder }).catch((error: { stdout: string }) => error);
      const errors = stdout.split("\n").filter((line) => /^\S/.test(line));
      expect(errors.map((line) => Number(/^use\.[mc]?ts\((\d+),/.exec(line)?.[1] ?? line))).toEqual(wrong);
    },
    60_000,
  );

  test.each(["index", "testing"])("of %s mention packages only that npm installs with chattera", (entry) => {
    const mentioned = packagesIn(join(ROOT, `dist/server/${entry}.d.ts`));
    const types = [...mentioned].filter((name) => !builtinModules.includes(name.replace(/^node:/, "")));
    for (const name of types) {
      expect(PACKAGE.dependencies).toHaveProperty([name]);
      const { types, typings } = JSON.parse(readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8"));
      if (!types && !typings) expect(PACKAGE.dependencies).toHaveProperty([`@types/${name}`]);
    }
    if (entry === "index") expect(types).toContain("koa");
  });
});

/** Returns the packages that a file of types mentions, also by the files that it imports. */
function packagesIn(file: string, seen = new Set<string>(), found = new Set<string>()): Set<string> {
  if (seen.has(file)) return found;
  seen.add(file);
  for (const [, source = ""] of readFileSync(file, "utf8").matchAll(/(?:from|import)[ (]"([^"]+)"/g))
    if (source.startsWith(".")) packagesIn(join(dirname(file), source.replace(/\.[jt]s$/, ".d.ts")), seen, found);
    else found.add(source);
  return found;
}

test.each([
  ["imported", "host.mjs", 'import { createApp } from "chattera"; import { openStream } from "chattera/testing";'],
  [
    "required",
    "host.cjs",
    'const { createApp } = require("chattera"); const { openStream } = require("chattera/testing");',
  ],
])(
  "the server is %s by a host",
  async (_, file, load) => {
    const database = await createDatabase();
    const lines = [
      load,
      "async function main() {",
      `  const chat = await createApp({ database: ${JSON.stringify(database.url)} });`,
      '  const stream = await openStream(chat.callback(), { room: "lobby" });',
      '  console.log(Object.keys(await stream.signal("hello")).includes("cursor"));',
      "  await stream.close();",
      "  await chat.close();",
      "}",
      "main();",
    ];
    writeFileSync(join(folder, file), lines.join("\n"));
    const { stdout } = await run(process.execPath, [file], { cwd: folder, timeout: 60_000, env: {} });
    await database.drop();
    expect(stdout).toBe("true\n");
  },
  30_000,
);
