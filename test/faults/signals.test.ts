import { once } from "node:events";
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

test("a node that nohup started goes on after its terminal was closed", async () => {
  const site = spawnSite(database.url, {}, ["nohup"]);
  await until("it serves", () => site.said().includes("chattera is at"), 20_000);
  site.child.kill("SIGHUP");
  const url = /chattera is at (\S+)/.exec(site.said())?.[1];
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect(site.child.exitCode).toBeNull();
}, 30_000);
