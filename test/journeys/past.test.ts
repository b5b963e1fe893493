import { afterAll, beforeAll, expect, jest } from "@jest/globals";
import type { Page } from "playwright-core";
import { connect } from "../../db/pool/connect.ts";
import { execute, rowsOf } from "../../db/pool/statement.ts";
import { person, say, type TestPerson } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { makeRoom } from "../support/enter.ts";
import { type OldSite, openOldRoom, openOldSite } from "../support/old-browser.ts";
import { useSite } from "../support/use-site.ts";

// Links to messages, the search, the jump to a date: how a reader gets into the past and back.

const browser = useBrowser();
const site = useSite({ timeZone: "UTC" });
let old: OldSite;
let ann: TestPerson;

const HEAD = 400;

jest.setTimeout(60_000);

beforeAll(async () => {
  ann = await person(site.url, "Ann");
  old = await openOldSite(site.url);
});

afterAll(() => old?.close());

let rooms = 0;

/** Makes a room with 400 messages, one an hour up to now. Every hundredth is about karaoke. */
async function roomOf(name: string): Promise<string> {
  rooms += 1;
  const slug = `${name}-${rooms}`;
  const db = connect(site.databaseUrl);
  try {
    await makeRoom(db, { slug, title: slug, public: true });
    const [room] = await rowsOf<{ id: number }>(db, "select id from rooms where slug = ?", [slug]);
    await execute(
      db,
      `insert into events (room_id, seq, kind, member_id, nickname, color, text, at)
       select ?, n, 'message', 'ben', 'Ben', '#b3261e',
         case when n % 100 = 0 then 'ｶﾗｵｹ ' || n else 'said ' || n end, now() - (? - n) * interval '1 hour'
       from generate_series(1, ?::int) n`,
      [room?.id, HEAD, HEAD],
    );
    await execute(db, "update rooms set last_seq = ? where id = ?", [HEAD, room?.id]);
  } finally {
    await db.destroy();
  }
  return slug;
}

async function open(address: string): Promise<Page> {
  const page = await browser.newPage({ locale: "en-US" });
  await page.goto(address);
  await page.waitForSelector('#connection[data-state="live"]');
  return page;
}

/** Waits until the line of this seq is marked, has the focus and is in sight. */
async function isAt(page: Page, seq: number): Promise<void> {
  await page.waitForFunction((wanted) => {
    const line = document.querySelector(`#log [data-seq="${wanted}"]`);
    const box = document.querySelector("#scroll")?.getBoundingClientRect();
    if (!line || !box || line.getAttribute("aria-current") !== "true" || document.activeElement !== line) return false;
    const { top, bottom } = line.getBoundingClientRect();
    return top >= box.top && bottom <= box.bottom;
  }, seq);
}

const pathOf = (page: Page) => page.evaluate(() => location.pathname);

browserTest("a link to a message opens the room there, and the way back to the newest is live", async () => {
  const slug = await roomOf("link");
  const page = await open(`${site.url}/rooms/${slug}/142`);
  await isAt(page, 142);
  const { event } = await say(site.url, ann, { text: "now", room: slug });
  await page.waitForSelector(`#log [data-seq="${event.seq}"]`);
  await page.click("#newer");
  await page.waitForFunction(() => !document.querySelector("#log [aria-current]"));
  expect(await pathOf(page)).toBe(`/rooms/${slug}`);
  expect(await page.locator(`#log [data-seq="${event.seq}"]`).isVisible()).toBe(true);
  await page.context().close();
});

browserTest("a link in a message jumps without loading a page, and gaps are filled in place", async () => {
  const slug = await roomOf("jump");
  const page = await open(`${site.url}/rooms/${slug}`);
  await page.evaluate(() => document.body.setAttribute("data-witness", "1"));
  const { event } = await say(site.url, ann, { text: `see ${site.url}/rooms/${slug}/42`, room: slug });
  await page.click(`#log [data-seq="${event.seq}"] .text a`);
  await isAt(page, 42);
  expect(await pathOf(page)).toBe(`/rooms/${slug}/42`);
  await page.click("#log .gap a");
  await page.waitForSelector('#log [data-seq="80"]');
  await say(site.url, ann, { text: "still live", room: slug });
  await page.waitForFunction(() => document.querySelector("#log")?.textContent?.includes("still live"));
  const seqs = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("#log [data-seq]")].map(({ dataset }) => Number(dataset.seq)),
  );
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
  expect(await page.locator("[data-witness]").count()).toBe(1);
  await page.context().close();
});

browserTest("the search is next to the log, finds Japanese in any width, and leads to the message", async () => {
  const slug = await roomOf("search");
  const page = await open(`${site.url}/rooms/${slug}`);
  await page.evaluate(() => document.body.setAttribute("data-witness", "1"));
  await page.click("a.search-link");
  await page.waitForSelector("#search-panel #search-text");
  await page.fill("#search-text", "カラオケ");
  await page.press("#search-text", "Enter");
  await page.waitForSelector("#search-panel #results .result");
  const found = () =>
    page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>("#results .result")].map(({ dataset }) => dataset.seq),
    );
  expect(await found()).toEqual(["400", "300", "200", "100"]);
  await page.click('#results [data-seq="100"] .result-link');
  await isAt(page, 100);
  expect(await page.locator("#search-panel").isVisible()).toBe(false);
  await page.click("a.search-link");
  await page.click("#search-panel .search-back a");
  expect(await page.locator("#search-panel").isVisible()).toBe(false);
  await page.click("a.search-link");
  await page.waitForSelector("#search-panel #go-to-date");
  const day = new Date(Date.now() - 10 * 24 * 3_600_000).toISOString().slice(0, 10);
  // WebKit's field takes no keys.
  await page.evaluate((value) => {
    (document.querySelector("#go-to-date") as HTMLInputElement).value = value;
  }, day);
  await page.click("#go-to button");
  await page.waitForFunction((wanted) => {
    const line = document.querySelector<HTMLElement>("#log [aria-current]");
    return line && line.dataset.seq !== "100" && new Date(line.dataset.at ?? "").getDate() === Number(wanted.slice(8));
  }, day);
  await page.click("a.search-link");
  await page.press("#search-text", "Escape");
  expect(await page.locator("#search-panel").isVisible()).toBe(false);
  expect(await page.locator("[data-witness]").count()).toBe(1);
  await page.context().close();
});

browserTest(
  "without script, a link to a message shows it, and the search leads to the others",
  { needs: ["no script"] },
  async () => {
    const slug = await roomOf("plain");
    const page = await browser.newPage({ locale: "en-US", javaScriptEnabled: false });
    await page.goto(`${site.url}/rooms/${slug}/142`);
    const line = page.locator('#log [data-seq="142"]');
    expect(await line.getAttribute("aria-current")).toBe("true");
    await page.click("#log .gap a");
    await page.waitForSelector('#log [data-seq="180"]');
    await page.click("a.search-link");
    await page.waitForSelector("#search-text");
    await page.fill("#search-text", "カラオケ");
    await page.click("#search button");
    await page.click('#results [data-seq="200"] .result-link');
    await page.waitForSelector('#log [data-seq="200"][aria-current]');
    await page.context().close();
  },
);

browserTest("the page for old browsers jumps too, and stays live", async () => {
  const slug = await roomOf("old");
  const page = await (await browser.newContext({ locale: "en-US" })).newPage();
  await openOldRoom(page, `${old.url}/rooms/${slug}/142`);
  await isAt(page, 142);
  await page.evaluate(() => document.body.setAttribute("data-witness", "1"));
  await page.click("#log .gap a");
  await page.waitForSelector('#log [data-seq="180"]');
  const { event } = await say(site.url, ann, { text: `see ${old.url}/rooms/${slug}/142`, room: slug });
  await page.waitForSelector(`#log [data-seq="${event.seq}"]`);
  await page.click("#newer");
  await page.click(`#log [data-seq="${event.seq}"] .text a`);
  await isAt(page, 142);
  expect(await page.locator("[data-witness]").count()).toBe(1);
  await page.context().close();
});
