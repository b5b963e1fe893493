import { chmod, mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import type { Known } from "../client/core/network/known.ts";
import { createRoom, openSpeaker } from "../test/networks/rig/speaker.ts";
import { until } from "../test/support/until.ts";
import { openChromium } from "./chromium.ts";
import { type Seat, type Seated, STREAMS, sitBeforePage, sitBehindClient } from "./clients/people.ts";
import { openRecorder, type Recorded } from "./clients/recorder.ts";
import { freePort } from "./systems/free-port.ts";
import { type Program, runProgram } from "./systems/program.ts";

/**
 * Measures what one reader costs on the wire, behind a proxy that counts TCP payload both ways,
 * headers included. First what one received message of 30 characters costs by poll, from the page
 * in Chromium and from the npm client. Then rung by rung an idle hour, reckoned from some minutes,
 * and a thousand messages; 0 idle seconds leave that out.
 *
 *     npm run build && npx tsx bench/bytes.ts [cli.js of another build] [idle seconds] [messages]
 */
const args = process.argv.slice(2);
const cli = args[0]?.endsWith(".js") ? args.shift() : undefined;
const server = cli ?? fileURLToPath(new URL("../dist/server/process/cli.js", import.meta.url));
const [idleSeconds = 150, messages = 1000] = args.map(Number);

/** Polls whose medians are taken. */
const SAMPLES = 25;

const HOUR_MS = 3_600_000;
const climb = { climbMs: HOUR_MS, climbAt: Date.now() + HOUR_MS };
const good: Known = { pingSeconds: 15, lifeMs: 10 * 60_000, holdSeconds: 25 };
const RUNGS: { [name: string]: Known } = {
  sse: { ...good, rung: 0 },
  stream: { ...good, ...climb, rung: 1 },
  "poll, held 25 s": { ...good, ...climb, rung: 2 },
  "poll, not held": { ...good, ...climb, rung: 2, holdSeconds: 0 },
};

const folder = await mkdtemp(join(tmpdir(), "chattera-bytes-"));
await chmod(folder, 0o755); // For root's PostgreSQL, which runs as another user
const port = await freePort();
const siteUrl = `http://127.0.0.1:${port}`;
const program = await start();
const browser = await openChromium();
try {
  const ofPage = await oneMessage("page", (seat) => sitBeforePage(browser, seat));
  const ofClient = await oneMessage("npm", (seat) => sitBehindClient(join(server, "../../../client/index.js"), seat));
  print(["one message by poll", "request, bytes", "answer's head", "answer's body", "all"], [ofPage, ofClient]);
  if (idleSeconds > 0) {
    const names = Object.entries(RUNGS);
    const rows = await Promise.all(names.map(([name, known], n) => measure(name, known, `bytes-${n}`)));
    print(["rung", "idle hour, KB", "requests", "1000 messages, KB", "requests"], rows);
  }
} finally {
  await browser.close();
  await program.stop();
  await rm(folder, { recursive: true, force: true });
}
process.exit(0);

async function start(): Promise<Program> {
  const running = runProgram(undefined, [process.execPath, server, "serve"], {
    ...process.env,
    DATABASE_URL: "",
    DATA_DIR: join(folder, "data"),
    HOST: "127.0.0.1",
    PORT: `${port}`,
    LOG_LEVEL: "info",
    CHATTERA_LIMITS: "off",
  });
  await running.said(/"url":"([^"]+)"/);
  return running;
}

type Row = (string | number)[];

function print(heads: string[], rows: Row[]): void {
  for (const row of [heads, heads.map(() => "---"), ...rows]) process.stdout.write(`| ${row.join(" | ")} |\n`);
  process.stdout.write("\n");
}

/** Medians over the polls of a member that were answered with one event, a message. */
async function oneMessage(name: string, sit: (seat: Seat) => Promise<Seated>): Promise<Row> {
  const room = `one-${name}`;
  await createRoom(siteUrl, room);
  const recorder = await openRecorder(siteUrl, STREAMS);
  const speaker = await openSpeaker(siteUrl, room, "Speaker");
  const seated = await sit({ url: recorder.url, room, nickname: "Ann", isPolling: true });
  const samples = () => recorder.requests.filter(isOneMessage);
  // The first polls are not held yet; half a second apart, each message has an answer of its own.
  for (let n = 0; samples().length < SAMPLES; n += 1) {
    await speaker.say(textOf(n));
    await sleep(500);
  }
  const taken = samples().slice(-SAMPLES);
  await seated.close();
  recorder.close();
  speaker.close();
  const medianOf = (pick: (one: Recorded) => number) =>
    taken.map(pick).sort((one, other) => one - other)[Math.floor(SAMPLES / 2)] as number;
  return [
    name,
    medianOf(({ request }) => request.length),
    medianOf(({ answer }) => answer.indexOf("\r\n\r\n") + 4),
    medianOf(({ answer }) => answer.length - answer.indexOf("\r\n\r\n") - 4),
    medianOf(({ request, answer }) => request.length + answer.length),
  ];
}

function isOneMessage({ request, answer }: Recorded): boolean {
  return (
    /^GET \S*\/api\/poll\b/.test(request) && answer.split('"kind":').length === 2 && answer.includes('"kind":"message"')
  );
}

/** 30 characters. */
function textOf(n: number): string {
  return `${String(n).padStart(4, "0")} ${"x".repeat(25)}`;
}

async function measure(name: string, known: Known, room: string): Promise<Row> {
  await createRoom(siteUrl, room);
  const counter = await openCounter(new URL(siteUrl));
  const page = await sit(counter.url, room, known);
  const before = counter.read();
  await sleep(idleSeconds * 1000);
  const idle = since(before, counter.read());
  const speaker = await openSpeaker(siteUrl, room, "Speaker");
  const start = counter.read();
  for (let n = 0; n < messages; n += 1) {
    void speaker.say(textOf(n));
    await sleep(50);
  }
  const last = textOf(messages - 1);
  await page.waitForFunction(
    (text) => [...document.querySelectorAll("#log .text")].some((line) => line.textContent === text),
    last,
  );
  const busy = since(start, counter.read());
  speaker.close();
  await page.context().close();
  counter.close();
  const hours = 3600 / idleSeconds;
  return [
    name,
    Math.round((idle.bytes * hours) / 1000),
    Math.round(idle.requests * hours),
    Math.round((busy.bytes * 1000) / messages / 1000),
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
