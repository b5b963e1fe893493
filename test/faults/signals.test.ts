import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { createDatabase } from "../support/database.ts";
import { endSites, spawnSite, startSite } from "../support/site-process.ts";
import { until } from "../support/until.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;

beforeAll(async () => {
  database = await createDatabase();
});
afterEach(endSites);
afterAll(() => database?.drop());

test.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const)(
  "%s drains a node and ends it",
  async (signal) => {
    const site = await startSite(database.url);
    expect(await site.kill(signal)).toBe(0);
    expect(site.said()).toContain("draining connections");
  },
  30_000,
);

test("a log that nobody reads does not keep a node from ending", async () => {
  const { child } = spawnSite(database.url, { LOG_LEVEL: "debug" });
  let said = "";
  child.stderr?.on("data", (text: string) => {
    said += text;
  });
  const url = await until("it serves", () => /chattera is at (\S+)/.exec(said)?.[1], 20_000);
  child.stdout?.removeAllListeners("data").pause();
  // A pipe between processes of Node holds some 200 KiB, and Node reads another 64 KiB ahead.
  const path = `/${"x".repeat(1_000)}`;
  const ask = async () => void (await (await fetch(`${url}${path}`)).text());
  for (let n = 0; n < 10; n++) await Promise.all(Array.from({ length: 60 }, ask));
  child.kill("SIGTERM");
  await once(child, "exit");
  expect(child.exitCode).toBe(0);
}, 40_000);

test("a node goes on after the reader of its output has gone, also when it has something to say", async () => {
  const folder = await mkdtemp(join(tmpdir(), "chattera-signals-"));
  await chmod(folder, 0o755); // For root's PostgreSQL, which runs as another user
  const { child, said } = spawnSite("", { DATA_DIR: join(folder, "data") });
  const url = await until("it serves", () => /chattera is at (\S+)/.exec(said())?.[1], 30_000);
  child.stdout?.destroy();
  child.stderr?.destroy();
  // It says that its PostgreSQL has ended.
  const pid = Number.parseInt(await readFile(join(folder, "data", "postgresql", "postmaster.pid"), "utf8"), 10);
  process.kill(pid, "SIGKILL");
  const ready = async () => (await fetch(`${url}/readyz`)).status;
  await until("its database is away", async () => (await ready()) === 503, 20_000);
  await until("it is ready again", async () => (await ready()) === 200, 30_000);
  child.kill("SIGTERM");
  await once(child, "exit");
  expect(child.exitCode).toBe(0);
  await rm(folder, { recursive: true });
}, 90_000);

test("a log on a full disk does not keep a node from ending", async () => {
  const { child, said } = spawnSite(database.url, {}, ["sh", "-c", 'exec "$@" > /dev/full', "sh"]);
  await until("it serves", () => said().includes("chattera is at"), 20_000);
  child.kill("SIGTERM");
  await once(child, "exit");
  expect(child.exitCode).toBe(0);
}, 40_000);

test("a node that nohup started goes on after its terminal was closed", async () => {
  // On a terminal, nohup replaces the input like this. Here is none.
  const nohup = ["nohup", "sh", "-c", 'exec "$@" 0> /dev/null', "sh"];
  const { child, said } = spawnSite(database.url, {}, nohup);
  const url = await until("it serves", () => /chattera is at (\S+)/.exec(said())?.[1], 20_000);
  child.kill("SIGHUP");
  // A node that ends would have said so at once, and would be unready.
  for (let n = 0; n < 50; n++) expect((await fetch(`${url}/readyz?n=${n}`)).status).not.toBe(404);
  const { checks } = (await (await fetch(`${url}/readyz`)).json()) as { checks: { serving: boolean } };
  expect(checks.serving).toBe(true);
  expect(said()).not.toContain("draining connections");
  child.kill("SIGTERM");
  await once(child, "exit");
  expect(child.exitCode).toBe(0);
}, 40_000);
