import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../client/index.ts";
import { createRoom, openSpeaker } from "../test/networks/rig/speaker.ts";
import { type BadProxy, openBadProxy } from "../test/support/bad-proxy.ts";
import { createDatabase } from "../test/support/database.ts";
import { type SiteProcess, startSite } from "../test/support/site-process.ts";
import startDatabase from "../test/support/start-database.ts";
import stopDatabase from "../test/support/stop-database.ts";
import { openChromium } from "./chromium.ts";

/**
 * How soon a reader sees its first live message, and how soon it has noticed and cured a fault:
 * from the fault's beginning (where the network still carries) or end (where it does not) to the
 * first message sent since.
 *
 *     npm run build && npx tsx bench/recovery.ts [times 3]
 */
const [times = 3] = process.argv.slice(2).map(Number);

/** Faults of a network. `strike` resolves when it works again; somebody speaks every `gapMs`. */
const FAULTS: { name: string; gapMs: number; strike(proxy: BadProxy): Promise<void> }[] = [
  { name: "connections cut", gapMs: 300, strike: async (proxy) => proxy.cut() },
  { name: "connections dead, busy room", gapMs: 300, strike: async (proxy) => deaden(proxy) },
  { name: "connections dead, quiet room", gapMs: 20_000, strike: async (proxy) => deaden(proxy) },
  { name: "nobody there for 5 s", gapMs: 300, strike: async (proxy) => away(proxy, 5_000) },
  { name: "nobody there for 20 s", gapMs: 300, strike: async (proxy) => away(proxy, 20_000) },
  { name: "black hole for 20 s", gapMs: 300, strike: async (proxy) => hole(proxy, 20_000) },
  { name: "server killed and started again", gapMs: 300, strike: killed },
];

/** In the page: when, since its load began, a line is added that its HTML did not bring. */
const FIRST_NEW_LINE = `new Promise((resolve) => {
  const lines = () => document.querySelectorAll("#log [data-seq]").length;
  const first = lines();
  new MutationObserver(() => lines() > first && resolve(performance.now()))
    .observe(document, { subtree: true, childList: true });
})`;

await startDatabase();
const database = await createDatabase();
let site: SiteProcess = await startSite(database.url, { LOG_LEVEL: "warn" });
const { url } = site;
try {
  process.stdout.write(`first live message after the page's load began: ${(await firstMessages()).join(", ")} ms\n`);
  process.stdout.write("| fault | noticed and cured after, ms |\n|---|---|\n");
  for (const { name, gapMs, strike } of FAULTS) {
    const took: number[] = [];
    for (let n = 0; n < times; n += 1) took.push(await recovery(gapMs, strike));
    process.stdout.write(`| ${name} | ${took.join(", ")} |\n`);
  }
} finally {
  await site.kill("SIGTERM");
  await database.drop();
  await stopDatabase();
}
process.exit(0);

/**
 * Somebody speaks every 50 ms; a page is opened: when does it show something that was not in it?
 */
async function firstMessages(): Promise<number[]> {
  const browser = await openChromium();
  const room = await newRoom();
  const speaker = await openSpeaker(url, room, "Speaker");
  const speaking = setInterval(() => void speaker.say(randomUUID()), 50);
  const took: number[] = [];
  for (let n = 0; n < times; n += 1) {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${url}/rooms/${room}`, { waitUntil: "commit" });
    const ms = (await page.evaluate(FIRST_NEW_LINE)) as number;
    took.push(Math.round(ms));
    await page.context().close();
  }
  clearInterval(speaking);
  await speaker.close();
  await browser.close();
  return took;
}

async function recovery(gapMs: number, strike: (proxy: BadProxy) => Promise<void>): Promise<number> {
  const proxy = await openBadProxy(url);
  const roomName = await newRoom();
  const speaker = await openSpeaker(url, roomName, "Speaker");
  const room = connect(proxy.through(url), { room: roomName });
  const seen = new Map<string, number>();
  room.on("event", ({ text }) => text !== undefined && seen.set(text, performance.now()));
  await room.ready;
  const speaking = setInterval(() => void speaker.say(randomUUID()), Math.min(gapMs, 300));
  // Long enough for a stream to be proved and a few pings to have come
  await sleep(8_000);
  clearInterval(speaking);
  if (gapMs > 1000) await sleep(3_000);
  await strike(proxy);
  const marks: { text: string; at: number }[] = [];
  const speak = () => {
    const text = randomUUID();
    marks.push({ text, at: performance.now() });
    void speaker.say(text);
  };
  speak();
  const speakingOn = setInterval(speak, gapMs);
  while (!marks.some(({ text }) => seen.has(text))) await sleep(10);
  clearInterval(speakingOn);
  const first = marks[0] as { text: string; at: number };
  const cured = Math.min(...marks.flatMap(({ text }) => seen.get(text) ?? []));
  room.close();
  await speaker.close();
  await proxy.close();
  return Math.round(cured - first.at);
}

async function newRoom(): Promise<string> {
  const room = `recovery-${randomUUID().slice(0, 8)}`;
  await createRoom(url, room);
  return room;
}

/** Silences the open connections for good. Later ones work. */
async function deaden(proxy: BadProxy): Promise<void> {
  proxy.blackHole();
  await proxy.pass();
}

async function away(proxy: BadProxy, ms: number): Promise<void> {
  await proxy.refuse();
  await sleep(ms);
  await proxy.pass();
}

async function hole(proxy: BadProxy, ms: number): Promise<void> {
  proxy.blackHole();
  await sleep(ms);
  await proxy.pass();
}

async function killed(): Promise<void> {
  await site.kill("SIGKILL");
  site = await startSite(database.url, { LOG_LEVEL: "warn", PORT: new URL(url).port });
}
