import type { IncomingMessage, ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import type { Browser, BrowserContext, Page } from "playwright-core";
import request from "supertest";
import { openSite, person, say, type TestPerson, type TestSite } from "../support/app.ts";
import { browserTest, openBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";

const ROOMS = ["lobby", "tea", "sea", "hill", "lake", "moor", "wood", "dune", "cave"];
let site: TestSite;
let url: string;
let browser: Browser;
let bob: TestPerson;
/** Reading requests that are open at the server, by their browser's User-Agent. */
const held = new Map<ServerResponse, string>();

beforeAll(async () => {
  site = await openSite();
  const [node] = site.nodes;
  url = node?.url as string;
  node?.server.prependListener("request", (req: IncomingMessage, res: ServerResponse) => {
    if (!/^\/api\/(events|stream|poll)/.test(req.url ?? "")) return;
    held.set(res, req.headers["user-agent"] ?? "");
    res.once("close", () => held.delete(res));
  });
  for (const slug of ROOMS.slice(1)) await request(url).post("/api/rooms").send({ slug });
  bob = await person(url, "Bob");
  browser = (await openBrowser()) as Browser;
}, 30_000);

afterAll(async () => {
  await browser?.close();
  await site.close();
});

type Tabs = { context: BrowserContext; tabs: Page[]; held(): number };

/** Tabs of one browser, each in its room, all of them live. */
async function openTabs(name: string, rooms: string[], lacks: string[] = []): Promise<Tabs> {
  const context = await browser.newContext({ locale: "en-US", userAgent: name });
  for (const feature of lacks) await context.addInitScript(feature);
  const tabs: Page[] = [];
  for (const room of rooms) tabs.push(await openTab(context, room));
  return { context, tabs, held: () => [...held.values()].filter((agent) => agent === name).length };
}

async function openTab(context: BrowserContext, room: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${url}/rooms/${room}`);
  await isLive(page);
  return page;
}

const isLive = (page: Page) => page.waitForSelector('#connection[data-state="live"]', { timeout: 15_000 });

async function sees(page: Page, text: string): Promise<void> {
  await page.waitForSelector(`#log [data-seq]:not(.pending) .text:text-is("${text}")`, { timeout: 15_000 });
}

/** What a tab shows of some texts, and whether every event is there once, in order. */
async function shown(page: Page): Promise<{ texts: string[]; isWhole: boolean }> {
  const lines = await page.$$eval("#log [data-seq]", (all) =>
    all.map((line) => ({
      seq: Number((line as HTMLElement).dataset.seq),
      text: line.querySelector(".text")?.textContent ?? "",
    })),
  );
  const isWhole = lines.every(({ seq }, n) => n === 0 || seq === (lines[n - 1]?.seq as number) + 1);
  return { texts: lines.map(({ text }) => text), isWhole };
}

/** Each of the tabs shows the texts once, in order, and nothing is missing between them. */
async function allSee(tabs: Page[], texts: string[]): Promise<void> {
  for (const tab of tabs) {
    for (const text of texts) await sees(tab, text);
    const { texts: seen, isWhole } = await shown(tab);
    expect([seen.filter((text) => texts.includes(text)), isWhole]).toEqual([texts, true]);
  }
}

/** The tab whose connection the others read by: it alone has a reading request open. */
async function leaderOf(tabs: Page[]): Promise<Page> {
  return until("one tab leads", async () => {
    const leads = await Promise.all(tabs.map(isReading));
    return leads.filter(Boolean).length === 1 ? tabs[leads.indexOf(true)] : undefined;
  });
}

const NO_LOCKS = "Object.defineProperty(navigator, 'locks', { value: undefined })";
const NO_BROADCAST = "delete window.BroadcastChannel";
/** Lets a test see whether this very tab has a stream open. */
const STREAMS = `window.streams = new Set();
const Real = EventSource;
window.EventSource = class extends Real {
  constructor(url) { super(url); streams.add(this); }
  close() { super.close(); streams.delete(this); }
}`;

const isReading = (page: Page) =>
  page.evaluate(() => (window as unknown as { streams: Set<unknown> }).streams.size > 0);

for (const [where, lacks] of [
  ["where the browser has locks", []],
  ["where it has none, as on http origins", [NO_LOCKS]],
  ["where it has neither locks nor channels", [NO_LOCKS, NO_BROADCAST]],
] as const)
  describe(`many tabs of one browser, ${where},`, () => {
    browserTest(
      "read by one connection; each shows each message of its room once, in order, and at once",
      async () => {
        const rooms = ["lobby", "lobby", "lobby", "tea", "tea", "sea"];
        const { context, tabs, held } = await openTabs(`six ${lacks.length}`, rooms, [STREAMS, ...lacks]);
        await leaderOf(tabs);
        await until("only the leader's connection is left", () => held() <= 1);
        const of = (room: string) => tabs.filter((_, n) => rooms[n] === room);
        for (const room of ["lobby", "tea", "sea"])
          for (let n = 0; n < 5; n++) await say(url, bob, `${lacks.length} ${room} ${n}`, { room });
        for (const room of ["lobby", "tea", "sea"])
          await allSee(
            of(room),
            [0, 1, 2, 3, 4].map((n) => `${lacks.length} ${room} ${n}`),
          );
        expect(held()).toBeLessThanOrEqual(2);
        await context.close();
      },
      60_000,
    );

    for (const [end, how] of [
      ["is closed", (page: Page) => page.close()],
      ["crashes", crash],
      ["goes elsewhere", (page: Page) => page.goto("about:blank")],
      ["answers nobody any more", hang],
    ] as const)
      browserTest(
        `go on when the one that leads ${end}: nothing is lost or doubled`,
        async () => {
          const name = `${end} ${lacks.length}`;
          const { context, tabs, held } = await openTabs(name, ["hill", "hill", "lake", "hill"], [STREAMS, ...lacks]);
          const leader = await leaderOf(tabs);
          await say(url, bob, `${name} before`, { room: "hill" });
          await allSee(
            tabs.filter((_, n) => n !== 2),
            [`${name} before`],
          );
          await how(leader);
          await say(url, bob, `${name} meanwhile`, { room: "hill" });
          await say(url, bob, `${name} meanwhile`, { room: "lake" });
          const left = tabs.filter((tab) => tab !== leader);
          const inHill = left.filter((tab) => tab.url().endsWith("hill"));
          await allSee(inHill, [`${name} before`, `${name} meanwhile`]);
          if (inHill.length < left.length)
            await allSee(
              left.filter((tab) => !inHill.includes(tab)),
              [`${name} meanwhile`],
            );
          await leaderOf(left);
          await say(url, bob, `${name} after`, { room: "hill" });
          await allSee(inHill, [`${name} before`, `${name} meanwhile`, `${name} after`]);
          await until("only one connection is left", () => held() <= (how === hang ? 2 : 1));
          await context.close();
        },
        60_000,
      );
  });

describe("more rooms than one connection can read", () => {
  browserTest(
    "are read by one more: the ninth tab asks for itself",
    async () => {
      const { context, tabs, held } = await openTabs("nine", ROOMS, [STREAMS]);
      await leaderOf(tabs);
      for (const room of ROOMS) await say(url, bob, `nine ${room}`, { room });
      for (const [n, room] of ROOMS.entries()) await allSee([tabs[n] as Page], [`nine ${room}`]);
      await until("two connections are left", () => held() <= 2);
      await context.close();
    },
    60_000,
  );
});

async function crash(page: Page): Promise<void> {
  const crashed = page.waitForEvent("crash");
  const debug = await page.context().newCDPSession(page);
  debug.send("Page.crash").catch(() => {});
  await crashed;
}

/** A frozen tab: its connection stays open, and it does nothing with it. */
async function hang(page: Page): Promise<void> {
  page.evaluate("for (;;);").catch(() => {});
}
