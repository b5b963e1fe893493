import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import request from "supertest";
import { person, sayAll } from "../support/app.ts";
import { type BadProxy, openBadProxy } from "../support/bad-proxy.ts";
import { browserTest, isWhole, useBrowser } from "../support/browser.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

/** Counts of what the script has done to the log. */
type Watched = { lines: number; changes: number; announced: string[] };

let rooms = 0;

/** Creates a room in which somebody can say many messages at once. */
type Room = { room: string; say(count: number, from?: number): Promise<void>; rename(title: string): Promise<void> };

async function openRoom(): Promise<Room> {
  rooms += 1;
  const room = `busy-${rooms}`;
  const bob = await person(site.url, `Bob${rooms}`);
  const post = (path: string, body: object) =>
    request(site.url).post(path).set("authorization", `Bearer ${bob.token}`).send(body);
  await post("/api/rooms", { slug: room }).expect(201);
  const say = async (count: number, from = 1) => {
    const texts = Array.from({ length: count }, (_, n) => `message ${from + n}`);
    await sayAll(site.url, bob, { texts, room });
  };
  const rename = async (title: string) => {
    await post(`/api/rooms/${room}/settings`, { title }).expect(200);
  };
  return { room, say, rename };
}

/** Counts from now on how often the log changes, and how many lines are built. */
async function watchLog(page: Page): Promise<void> {
  await page.evaluate(() => {
    const watched: Watched = { lines: 0, changes: 0, announced: [] };
    Object.assign(window, { watched });
    new MutationObserver((records) => {
      watched.changes += 1;
      for (const { addedNodes } of records)
        for (const node of addedNodes) if ((node as HTMLElement).dataset?.seq) watched.lines += 1;
    }).observe(document.getElementById("log") as Node, { childList: true, subtree: true });
    new MutationObserver((records) => {
      for (const { addedNodes } of records)
        for (const node of addedNodes) watched.announced.push(node.textContent ?? "");
    }).observe(document.getElementById("announcer") as Node, { childList: true });
  });
}

const watchedBy = (page: Page) => page.evaluate(() => (window as unknown as { watched: Watched }).watched);

const lastText = (page: Page, text: string) =>
  page.waitForFunction(
    (awaited) => document.querySelector("#log")?.lastElementChild?.querySelector(".text")?.textContent === awaited,
    text,
  );

const shownSeqs = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("#log [data-seq]")].map(({ dataset }) => Number(dataset.seq)),
  );

async function watch(url: string, room: string): Promise<Page> {
  const page = await browser.newPage({ locale: "en-US" });
  await page.goto(`${url}/rooms/${room}`);
  await page.waitForSelector('#connection[data-state="live"]');
  return page;
}

describe("a page that was cut off", () => {
  let proxy: BadProxy;
  beforeAll(async () => {
    proxy = await openBadProxy(site.url);
  });
  afterAll(() => proxy.close());

  const missed = 1_200;

  async function miss(): Promise<Page> {
    const { room, say } = await openRoom();
    await say(20);
    const page = await watch(proxy.through(site.url).replace(/\/$/, ""), room);
    await proxy.refuse();
    await page.waitForSelector('#connection[data-state="offline"]');
    await say(missed, 21);
    await watchLog(page);
    return page;
  }

  browserTest(
    "builds only the newest of many missed messages, in a few changes, and reads none of them aloud",
    async () => {
      const page = await miss();
      await proxy.pass();
      await lastText(page, `message ${20 + missed}`);
      const { lines, changes, announced } = await watchedBy(page);
      // Six answers of 200 arrive within a second, or else a part of them is shown before the rest.
      expect(lines).toBeLessThan(missed);
      expect(changes).toBeLessThan(30);
      expect(announced).toEqual([]);
      const seqs = await shownSeqs(page);
      expect(seqs).toHaveLength(500);
      expect(isWhole(seqs)).toBe(true);
      await page.waitForSelector("#older", { state: "visible" });
      await page.context().close();
    },
    60_000,
  );

  browserTest(
    "lays out the log once for each change",
    { needs: ["devtools"] },
    async () => {
      const page = await miss();
      const devTools = await page.context().newCDPSession(page);
      await devTools.send("Performance.enable");
      const layouts = async () => {
        const { metrics } = await devTools.send("Performance.getMetrics");
        return metrics.find(({ name }) => name === "LayoutCount")?.value ?? 0;
      };
      const before = await layouts();
      await proxy.pass();
      await lastText(page, `message ${20 + missed}`);
      const { changes } = await watchedBy(page);
      // The connection line and the button for older messages change as well.
      expect((await layouts()) - before).toBeLessThan(2 * changes + 20);
      await page.context().close();
    },
    60_000,
  );
});

describe("in a busy room", () => {
  browserTest("messages that arrive together are one change, and all are read aloud or counted", async () => {
    const { room, say } = await openRoom();
    const page = await watch(site.url, room);
    await watchLog(page);
    await say(5);
    await lastText(page, "message 5");
    await page.waitForFunction(() => document.querySelector("#announcer")?.childElementCount === 5);
    expect(await page.locator("#announcer > *").allTextContents()).toEqual(
      [1, 2, 3, 4, 5].map((n) => `Bob${rooms}: message ${n}`),
    );
    await say(8, 6);
    await page.waitForFunction(() => document.querySelector("#announcer")?.textContent?.includes("8 messages"));
    const { lines, changes } = await watchedBy(page);
    // Bob's own arrival is one line, and may be one change.
    expect(lines).toBe(14);
    expect(changes).toBeLessThanOrEqual(5);
    await page.context().close();
  });

  browserTest("a reader of older lines is not moved, and loses nothing", async () => {
    const { room, say } = await openRoom();
    await say(120);
    const page = await watch(site.url, room);
    await page.evaluate(() => {
      const box = document.getElementById("scroll") as HTMLElement;
      box.scrollTop = 0;
    });
    // Near the top, the older messages load by themselves.
    await page.waitForFunction(() => document.querySelectorAll("#log .message").length >= 100);
    const place = () =>
      page.evaluate(() => {
        const box = document.getElementById("scroll") as HTMLElement;
        const { top } = box.getBoundingClientRect();
        const line = [...document.querySelectorAll("#log .message")].find(
          (one) => one.getBoundingClientRect().bottom > top,
        ) as HTMLElement;
        return { text: line.textContent, px: line.getBoundingClientRect().top };
      });
    const before = await place();
    await say(300, 121);
    await page.waitForSelector('#newer:has-text("300")');
    const after = await place();
    expect(after.text).toBe(before.text);
    expect(Math.abs(after.px - before.px)).toBeLessThan(3);
    expect(isWhole(await shownSeqs(page))).toBe(true);
    await page.click("#newer");
    await lastText(page, "message 420");
    await page.context().close();
  });

  browserTest("the title counts what arrived while the page was hidden, also after a pause", async () => {
    const { room, say, rename } = await openRoom();
    const page = await watch(site.url, room);
    const title = await page.title();
    const look = (isHidden: boolean) =>
      page.evaluate((hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, isHidden);
    await look(true);
    await say(3);
    await page.waitForFunction((awaited) => document.title === awaited, `(3) ${title}`);
    await page.evaluate(() => window.dispatchEvent(new Event("offline")));
    await say(150, 4);
    await page.waitForFunction((awaited) => document.title === awaited, `(153) ${title}`);
    // The room says so in a notice, which counts.
    await rename("153");
    await page.waitForFunction((awaited) => document.title === awaited, "(154) 153 — chattera");
    await rename("15 tea rooms");
    await page.waitForFunction((awaited) => document.title === awaited, "(155) 15 tea rooms — chattera");
    await look(false);
    expect(await page.title()).toBe("15 tea rooms — chattera");
    await page.context().close();
  });
});
