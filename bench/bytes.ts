import { type AddressInfo, connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import type { Known } from "../client/core/network/memory.ts";
import { createDatabase } from "../test/support/database.ts";
import { createRoom, openMouth } from "../test/support/networks/mouth.ts";
import { startSite } from "../test/support/site-process.ts";
import startDatabase from "../test/support/start-database.ts";
import stopDatabase from "../test/support/stop-database.ts";
import { until } from "../test/support/until.ts";
import { openChromium } from "./chromium.ts";

/**
 * What one reader costs on the wire, rung by rung: a real page in Chromium behind a proxy that counts, TCP payload both
 * ways, headers included. An idle hour is reckoned from some minutes; then a thousand remarks of 30 characters are said.
 *
 *     npm run build && npx tsx bench/bytes.ts [idle seconds 150] [remarks 1000]
 */
const [idleSeconds = 150, remarks = 1000] = process.argv.slice(2).map(Number);
const HOUR_MS = 3_600_000;
const climb = { climbMs: HOUR_MS, climbAt: Date.now() + HOUR_MS };
const good: Known = { pingSeconds: 15, lifeMs: 10 * 60_000, holdSeconds: 25 };
const RUNGS: { [name: string]: Known } = {
  sse: { ...good, rung: 0 },
  stream: { ...good, ...climb, rung: 1 },
  "poll, held 25 s": { ...good, ...climb, rung: 2 },
  "poll, not held": { ...good, ...climb, rung: 2, holdSeconds: 0 },
};

await startDatabase();
const database = await createDatabase();
const site = await startSite(database.url, { LOG_LEVEL: "warn" });
const browser = await openChromium();
try {
  const rows = await Promise.all(Object.entries(RUNGS).map(([name, known], n) => measure(name, known, `bytes-${n}`)));
  process.stdout.write("| rung | idle hour, KB | requests | 1000 remarks, KB | requests |\n|---|---|---|---|---|\n");
  for (const row of rows) process.stdout.write(`| ${row.join(" | ")} |\n`);
} finally {
  await browser.close();
  await site.kill("SIGTERM");
  await database.drop();
  await stopDatabase();
}
process.exit(0);

async function measure(name: string, known: Known, room: string): Promise<(string | number)[]> {
  await createRoom(site.url, room);
  const counter = await openCounter(new URL(site.url));
  const page = await sit(counter.url, room, known);
  const before = counter.read();
  await sleep(idleSeconds * 1000);
  const idle = since(before, counter.read());
  const mouth = await openMouth(site.url, room, "Mouth");
  const start = counter.read();
  for (let n = 0; n < remarks; n += 1) {
    void mouth.say(`${String(n).padStart(4, "0")} ${"x".repeat(25)}`);
    await sleep(50);
  }
  const last = String(remarks - 1).padStart(4, "0");
  await page.waitForFunction(
    (text) => [...document.querySelectorAll("#log .text")].some((line) => line.textContent?.startsWith(text)),
    last,
  );
  const busy = since(start, counter.read());
  await mouth.close();
  await page.context().close();
  counter.close();
  const hours = 3600 / idleSeconds;
  return [
    name,
    Math.round((idle.bytes * hours) / 1000),
    Math.round(idle.requests * hours),
    Math.round((busy.bytes * 1000) / remarks / 1000),
    busy.requests,
  ];
}

/** Opens the room's page as a visitor whose browser remembers this of the network. */
async function sit(url: string, room: string, known: Known): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${url}/rooms/${room}`);
  const network = (await page.getAttribute("#room", "data-network")) ?? "";
  await page.evaluate(
    ([key, value]) => localStorage.setItem(key as string, value as string),
    ["chattera:network", JSON.stringify({ [network]: known })],
  );
  await page.reload();
  const transport = ["sse", "stream", "poll"][known.rung ?? 0] as string;
  await page.waitForSelector(`#connection[data-transport="${transport}"]`, { state: "attached" });
  await until("the page is quiet", async () => (await page.evaluate(() => document.readyState)) === "complete");
  await sleep(2_000);
  return page;
}

type Count = { bytes: number; requests: number };

function since(before: Count, now: Count): Count {
  return { bytes: now.bytes - before.bytes, requests: now.requests - before.requests };
}

/** A TCP proxy that counts what passes, and the requests that begin in it. */
async function openCounter(target: URL): Promise<{ url: string; read(): Count; close(): void }> {
  const count: Count = { bytes: 0, requests: 0 };
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    near.on("data", (piece) => {
      count.bytes += piece.length;
      if (/^(GET|POST) /.test(piece.toString("latin1", 0, 5))) count.requests += 1;
    });
    far.on("data", (piece) => {
      count.bytes += piece.length;
    });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.pipe(to);
      from.on("error", () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    read: () => ({ ...count }),
    close: () => void server.close(),
  };
}
