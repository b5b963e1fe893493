import type { IncomingMessage, ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import type { BrowserContext, Page } from "playwright-core";
import request from "supertest";
import type { Running } from "../networks/rig/network.ts";
import { openProxy } from "../networks/rig/proxy.ts";
import { person, say, type TestPerson } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { addScript } from "../support/change-pages.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const ROOMS = ["lobby", "tea", "sea", "hill", "lake", "moor", "wood", "dune", "cave"];
const browser = useBrowser();
const site = useSite();
let bob: TestPerson;
/** Reading requests that are open at the server, with the User-Agent of their browser. */
const held = new Map<ServerResponse, string>();

beforeAll(async () => {
  const { server, url } = site.node;
  server.prependListener("request", (req: IncomingMessage, res: ServerResponse) => {
    if (!/^\/api\/(events|stream|poll)/.test(req.url ?? "")) return;
    held.set(res, req.headers["user-agent"] ?? "");
    res.once("close", () => held.delete(res));
  });
  for (const slug of ROOMS.slice(1)) await request(url).post("/api/rooms").send({ slug });
  bob = await person(url, "Bob");
});

type Tabs = { context: BrowserContext; tabs: Page[]; held(): number };

/** Opens tabs of one browser, each in its room, and waits until all are live. */
async function openTabs(name: string, rooms: string[], at: Running): Promise<Tabs> {
  const context = await browser.newContext({ locale: "en-US", userAgent: name });
  const tabs: Page[] = [];
  for (const room of rooms) tabs.push(await openTab(context, `${at.url}/rooms/${room}`));
  return { context, tabs, held: () => [...held.values()].filter((agent) => agent === name).length };
}

async function openTab(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  await isLive(page);
  return page;
}

const isLive = (page: Page) => page.waitForSelector('#connection[data-state="live"]', { timeout: 15_000 });

async function sees(page: Page, text: string): Promise<void> {
  await page.waitForSelector(`#log [data-seq]:not(.pending) .text:text-is("${text}")`, { timeout: 15_000 });
}

/** Returns the texts that a tab shows, and whether every event appears once, in order. */
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

/** Waits until each tab shows the texts once, in order, without gaps. */
async function allSee(tabs: Page[], texts: string[]): Promise<void> {
  for (const tab of tabs) {
    for (const text of texts) await sees(tab, text);
    const { texts: seen, isWhole } = await shown(tab);
    expect([seen.filter((text) => texts.includes(text)), isWhole]).toEqual([texts, true]);
  }
}

/** Returns the leader: the only tab with an open reading request, which the others share. */
async function leaderOf(tabs: Page[]): Promise<Page> {
  return until("one tab leads", async () => {
    const leads = await Promise.all(tabs.map(isReading));
    return leads.filter(Boolean).length === 1 ? tabs[leads.indexOf(true)] : undefined;
  });
}

const NO_LOCKS = "Object.defineProperty(navigator, 'locks', { value: undefined })";
const NO_BROADCAST = "delete window.BroadcastChannel";
/** Records whether a tab has a stream open. */
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
  ["where it has no locks, as on http origins", [NO_LOCKS]],
  ["where it has neither locks nor channels", [NO_LOCKS, NO_BROADCAST]],
] as const)
  describe(`many tabs of one browser, ${where},`, () => {
    let network: Running;
    beforeAll(async () => {
      network = await openProxy(site.url, addScript([STREAMS, ...lacks].join(";\n")));
    });
    afterAll(() => network.close());

    browserTest(
      "share one connection, and each shows every message of its room once, in order and at once",
      async () => {
        const rooms = ["lobby", "lobby", "lobby", "tea", "tea", "sea"];
        const { context, tabs, held } = await openTabs(`six ${lacks.length}`, rooms, network);
        await leaderOf(tabs);
        await until("only the leader's connection is left", () => held() <= 1);
        const of = (room: string) => tabs.filter((_, n) => rooms[n] === room);
        for (const room of ["lobby", "tea", "sea"])
          for (let n = 0; n < 5; n++) await say(site.url, bob, { text: `${lacks.length} ${room} ${n}`, room });
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
      ["navigates away", (page: Page) => page.goto("about:blank")],
      ["hangs", hang],
    ] as const)
      browserTest(
        `continue without loss or doubles when the leader ${end}`,
        { needs: how === crash ? ["crash"] : how === hang ? ["hang"] : [] },
        async () => {
          const name = `${end} ${lacks.length}`;
          const { context, tabs, held } = await openTabs(name, ["hill", "hill", "lake", "hill"], network);
          const leader = await leaderOf(tabs);
          await say(site.url, bob, { text: `${name} before`, room: "hill" });
          await allSee(
            tabs.filter((_, n) => n !== 2),
            [`${name} before`],
          );
          await how(leader);
          await say(site.url, bob, { text: `${name} meanwhile`, room: "hill" });
          await say(site.url, bob, { text: `${name} meanwhile`, room: "lake" });
          const left = tabs.filter((tab) => tab !== leader);
          const inHill = left.filter((tab) => tab.url().endsWith("hill"));
          await allSee(inHill, [`${name} before`, `${name} meanwhile`]);
          if (inHill.length < left.length)
            await allSee(
              left.filter((tab) => !inHill.includes(tab)),
              [`${name} meanwhile`],
            );
          await leaderOf(left);
          await say(site.url, bob, { text: `${name} after`, room: "hill" });
          await allSee(inHill, [`${name} before`, `${name} meanwhile`, `${name} after`]);
          await until("only one connection is left", () => held() <= (how === hang ? 2 : 1));
          await context.close();
        },
        60_000,
      );
  });

describe("more rooms than one connection can read", () => {
  browserTest(
    "need a second connection: the ninth tab opens its own",
    async () => {
      const network = await openProxy(site.url, addScript(STREAMS));
      const { context, tabs, held } = await openTabs("nine", ROOMS, network);
      await leaderOf(tabs);
      for (const room of ROOMS) await say(site.url, bob, { text: `nine ${room}`, room });
      for (const [n, room] of ROOMS.entries()) await allSee([tabs[n] as Page], [`nine ${room}`]);
      await until("two connections are left", () => held() <= 2);
      await context.close();
      await network.close();
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

/** Freezes a tab: its connection stays open but is not read. */
async function hang(page: Page): Promise<void> {
  page.evaluate("for (;;);").catch(() => {});
}
