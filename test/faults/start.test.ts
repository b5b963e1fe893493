import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { createDatabase, query, testServer } from "../support/database.ts";
import { endSites, runSite } from "../support/site-process.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let name: string;

beforeAll(async () => {
  database = await createDatabase();
  name = new URL(database.url).pathname.slice(1);
});
afterEach(endSites);
afterAll(() => database?.drop());

describe("a start that cannot succeed ends with code 1 and one sentence:", () => {
  test.each([
    [
      "a mistyped setting",
      { CHATTERA_RAEDERS: "5" },
      "CHATTERA_RAEDERS is not a setting: use CHATTERA_READERS instead",
    ],
    ["a setting out of range", { PORT: "70000" }, "PORT: must be a whole number from 0 to 65535"],
    ["an address of another machine", { HOST: "192.0.2.1" }, "This machine has no address 192.0.2.1"],
  ])("%s", async (_, settings, sentence) => {
    expect(await runSite(database.url, settings)).toEqual({ code: 1, said: expect.stringMatching(oneLine(sentence)) });
  });

  test.each(["12345/sec", "12?sec", "12#sec", "sec/x"])(
    "a password %s in DATABASE_URL, of which it shows nothing",
    async (password) => {
      const { code, said } = await runSite(`postgres://chat:${password}ret@127.0.0.1:1/db`);
      expect(code).toBe(1);
      expect(said).toMatch(oneLine("DATABASE_URL cannot be read"));
      expect(said).not.toMatch(/12|sec|ret/);
    },
  );

  test("a port that is taken, before a database is created", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const folder = await mkdtemp(join(tmpdir(), "chattera-start-"));
    const { port } = other.address() as AddressInfo;
    const { code, said } = await runSite("", { PORT: String(port), DATA_DIR: join(folder, "data") });
    other.close();
    expect([code, await readdir(folder)]).toEqual([1, []]);
    expect(said).toMatch(oneLine(`Port ${port} of 127.0.0.1 is taken by another program`));
    await rm(folder, { recursive: true });
  });

  test("a database that is read-only, although it has all tables", async () => {
    await query(testServer().url, `alter database ${name} set default_transaction_read_only = on`);
    const { code, said } = await runSite(withoutOptions(database.url));
    await query(testServer().url, `alter database ${name} reset all`);
    expect(code).toBe(1);
    expect(said).toMatch(oneLine("The database is read-only: name the primary server"));
  });

  test("a database that refuses a statement, without the statement", async () => {
    await query(database.url, "alter table log rename to lost");
    const { code, said } = await runSite(database.url);
    await query(database.url, "alter table lost rename to log");
    expect(code).toBe(1);
    expect(said).toMatch(oneLine('The database could not do this (42P01: relation "log" does not exist)'));
  });

  test("a database that is read-only, and has no tables yet", async () => {
    await query(database.url, "drop schema chattera cascade");
    await query(testServer().url, `alter database ${name} set default_transaction_read_only = on`);
    const { code, said } = await runSite(withoutOptions(database.url));
    await query(testServer().url, `alter database ${name} reset all`);
    expect(code).toBe(1);
    expect(said).toMatch(oneLine("The database cannot be migrated: it is read-only"));
  });

  test("a current folder that was deleted", async () => {
    const folder = await mkdtemp(join(tmpdir(), "chattera-start-"));
    const command = 'cd "$1" && rmdir "$1" && exec "$0" "$2" serve';
    const child = spawn("sh", ["-c", command, process.execPath, folder, resolve("dist/server/process/cli.js")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await once(child, "close");
    expect([child.exitCode, said]).toEqual([1, "chattera: The current folder was deleted: change to another one.\n"]);
  });

  test("an older Node", () => {
    const older = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.18.3" } })';
    const command = ["--import", `data:text/javascript,${older}`, "dist/server/process/cli.js", "serve"];
    const { status, stderr } = spawnSync(process.execPath, command, {
      encoding: "utf8",
      env: { PATH: process.env.PATH },
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(oneLine("chattera needs Node 20.19 or newer, and this is v"));
  });

  test("too few open files", async () => {
    // Node or PostgreSQL meets the limit first, as it happens. Of the sources, it would be the
    // compiler.
    const folder = await mkdtemp(join(tmpdir(), "chattera-start-"));
    await chmod(folder, 0o755); // For root's PostgreSQL, which runs as another user
    const command = 'ulimit -n 60 && exec "$0" dist/server/process/cli.js serve';
    const child = spawn("sh", ["-c", command, process.execPath], {
      env: { ...process.env, DATA_DIR: join(folder, "data"), DATABASE_URL: "", PORT: "0" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await once(child, "close");
    await rm(folder, { recursive: true });
    expect(child.exitCode).toBe(1);
    expect(said).toContain("may open too few files");
  });
});

/** One line without a stack, an SQL statement or a secret. */
function oneLine(sentence: string): RegExp {
  return new RegExp(`^chattera: ${sentence.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}[^\n]*\n$`);
}

/** The options in the URL of an embedded database come before those of the database. */
function withoutOptions(url: string): string {
  return url.replace(/\?.*/, "");
}
