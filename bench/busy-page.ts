import { chmod, mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { CDPSession, Page } from "playwright-core";
import { createRoom, openSpeaker, type Speaker } from "../test/networks/rig/speaker.ts";
import { openChromium } from "./chromium.ts";
import { freePort } from "./systems/free-port.ts";
import { runProgram } from "./systems/program.ts";

/**
 * Measures what a busy room costs the page in Chromium, with its 500 lines full: the main thread's
 * share, layout shifts and the answer to a key at 20 and 100 messages a second, and the longest
 * task and the number of layouts after 1,000 and 3,000 missed messages.
 *
 *     npm run build && npx tsx bench/busy-page.ts [cli.js of another build] [seconds 10]
 */
const args = process.argv.slice(2);
const cli = args[0]?.endsWith(".js") ? args.shift() : undefined;
const server = cli ?? fileURLToPath(new URL("../dist/server/process/cli.js", import.meta.url));
const [seconds = 10] = args.map(Number);

const FULL = 520;
const SPEAKERS = 8;

const folder = await mkdtemp(join(tmpdir(), "chattera-busy-page-"));
await chmod(folder, 0o755); // For root's PostgreSQL, which runs as another user
const port = await freePort();
const site = `http://127.0.0.1:${port}`;
const program = runProgram(undefined, [process.execPath, server, "serve"], {
  ...process.env,
  DATABASE_URL: "",
  DATA_DIR: join(folder, "data"),
  HOST: "127.0.0.1",
  PORT: `${port}`,
  LOG_LEVEL: "info",
  CHATTERA_LIMITS: "off",
});
await program.said(/"url":"([^"]+)"/);
const browser = await openChromium();
try {
  for (const rate of [20, 100]) print(await talk(rate));
  for (const missed of [1_000, 3_000]) print(await miss(missed));
} finally {
  await browser.close();
  await program.stop();
  await rm(folder, { recursive: true, force: true });
}
process.exit(0);

function print(row: object): void {
  process.stdout.write(`${JSON.stringify(row)}\n`);
}

/** Measures a page in a room with that many messages a second. */
async function talk(rate: number): Promise<object> {
  const { page, devTools, speakers, close } = await openRoom(`talk-${rate}`);
  await page.focus("#text");
  const before = await costOf(page, devTools);
  let sent = 0;
  const startedAt = performance.now();
  const timer = setInterval(() => {
    for (; sent < ((performance.now() - startedAt) / 1000) * rate; sent += 1) void say(speakers, sent);
  }, 5);
  for (let key = 0; key < seconds * 2; key += 1) {
    await sleep(500);
    await page.keyboard.press("a");
  }
  clearInterval(timer);
  const after = await costOf(page, devTools);
  await close();
  const share = (after.taskSeconds - before.taskSeconds) / (after.at - before.at);
  return {
    messagesPerSecond: rate,
    mainThreadPercent: Math.round(share * 100),
    layoutsPerMessage: round((after.layouts - before.layouts) / sent),
    layoutShift: round(after.shift - before.shift),
    longestTaskMs: after.longestTaskMs,
    medianKeyMs: quantile(after.keysMs, 0.5),
    slowestKeyMs: quantile(after.keysMs, 1),
  };
}

/** Measures a page that was cut off while the messages were sent. */
async function miss(missed: number): Promise<object> {
  const { page, devTools, speakers, relay, close } = await openRoom(`missed-${missed}`);
  relay.cut();
  await sleep(500);
  const said: Promise<void>[] = [];
  for (let n = 0; n < missed; n += 1) said.push(say(speakers, n));
  await Promise.all(said);
  const before = await costOf(page, devTools);
  const startedAt = performance.now();
  relay.restore();
  await page.waitForFunction(
    (last) => document.querySelector("#log")?.lastElementChild?.textContent?.includes(last),
    `message ${missed - 1} `,
    { timeout: 120_000, polling: 100 },
  );
  const caughtUpMs = Math.round(performance.now() - startedAt);
  await sleep(1_000);
  const after = await costOf(page, devTools);
  await close();
  return {
    missed,
    longestTaskMs: after.longestTaskMs,
    layouts: after.layouts - before.layouts,
    mainThreadMs: Math.round((after.taskSeconds - before.taskSeconds) * 1000),
    caughtUpMs,
    layoutShift: round(after.shift - before.shift),
  };
}

/** Opens a page whose list is full, behind a relay that can be cut. */
async function openRoom(room: string) {
  await createRoom(site, room);
  const relay = await openRelay();
  const speakers = await Promise.all(
    Array.from({ length: SPEAKERS }, (_, n) => openSpeaker(site, room, `speaker${n}`)),
  );
  const context = await browser.newContext({ locale: "en-US", viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.addInitScript(watch);
  await page.goto(`${relay.url}/rooms/${room}`);
  await page.fill("#enter [name=nickname]", "Reader");
  await page.click("#enter button");
  await page.waitForSelector("#say");
  await page.waitForSelector('#connection[data-state="live"]', { timeout: 30_000 });
  for (let n = 0; n < FULL; n += 40) await Promise.all(Array.from({ length: 40 }, (_, i) => say(speakers, -n - i - 1)));
  await page.waitForFunction(() => document.querySelectorAll("#log [data-seq]").length >= 500, undefined, {
    timeout: 60_000,
  });
  await sleep(1_500);
  const devTools = await context.newCDPSession(page);
  await devTools.send("Performance.enable");
  const close = async () => {
    for (const speaker of speakers) speaker.close();
    await context.close();
    relay.close();
  };
  return { page, devTools, speakers, relay, close };
}

function say(speakers: Speaker[], n: number): Promise<void> {
  const speaker = speakers[Math.abs(n) % SPEAKERS] as Speaker;
  return speaker.say(`message ${n} of a busy room, as long as people write`);
}

type Watched = { shift: number; longestTaskMs: number; keysMs: number[] };

/** Runs in the page. It has no named function, because tsx would add a helper to it. */
function watch(): void {
  const seen: Watched = { shift: 0, longestTaskMs: 0, keysMs: [] };
  Object.assign(window, { seen });
  for (const type of ["layout-shift", "longtask", "event"])
    new PerformanceObserver((list) => {
      for (const { name, duration, value } of list.getEntries() as (PerformanceEntry & { value: number })[]) {
        if (type === "layout-shift") seen.shift += value;
        if (type === "longtask") seen.longestTaskMs = Math.max(seen.longestTaskMs, Math.round(duration));
        if (name === "keydown") seen.keysMs.push(duration);
      }
    }).observe({ type, buffered: true, durationThreshold: 16 } as PerformanceObserverInit);
}

/** Returns the page's cost so far, and forgets the longest task and the keys. */
async function costOf(page: Page, devTools: CDPSession) {
  const { metrics } = await devTools.send("Performance.getMetrics");
  const value = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? 0;
  const watched = await page.evaluate(() => {
    const { seen } = window as unknown as { seen: Watched };
    const copy = { ...seen };
    seen.longestTaskMs = 0;
    seen.keysMs = [];
    return copy;
  });
  return { ...watched, at: value("Timestamp"), taskSeconds: value("TaskDuration"), layouts: value("LayoutCount") };
}

/** Opens a relay to the site. While it is cut, nobody is connected. */
async function openRelay() {
  const sockets = new Set<Socket>();
  let isCut = false;
  const relay = createServer((near) => {
    if (isCut) return near.destroy();
    const far = connect(port, "127.0.0.1");
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`,
    cut() {
      isCut = true;
      drop();
    },
    restore() {
      isCut = false;
    },
    close() {
      drop();
      relay.close();
    },
  };
}

/** Keys that were answered within 16 ms are not listed. */
function quantile(values: number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.ceil(sorted.length * part) - 1] ?? 16;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
