import { afterAll, beforeAll, expect, jest } from "@jest/globals";
import type { Knex } from "knex";
import type { BrowserContextOptions, Page } from "playwright-core";
import request from "supertest";
import { connect } from "../../db/pool/connect.ts";
import { execute, rowsOf } from "../../db/pool/statement.ts";
import { person, say, sayAll, type TestPerson } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { makeRoom } from "../support/enter.ts";
import { type OldSite, openOldRoom, openOldSite } from "../support/old-browser.ts";
import { useSite } from "../support/use-site.ts";

// The log on the page for old browsers, in browsers that read their pages as if without modules.

const browser = useBrowser();
const site = useSite();
let old: OldSite;
let db: Knex;

jest.setTimeout(60_000);

beforeAll(async () => {
  db = connect(site.databaseUrl);
  old = await openOldSite(site.url);
});

afterAll(async () => {
  await old?.close();
  await db.destroy();
});

type Logged = { kind: "message" | "enter" | "leave"; at?: string; count?: number };

let rooms = 0;

/** Makes a room whose log has these events, for each engine another one. Returns its slug. */
async function roomOf(name: string, logged: Logged[]): Promise<string> {
  rooms += 1;
  const slug = `${name}-${rooms}`;
  await makeRoom(db, { slug, title: slug, public: true });
  const [room] = await rowsOf<{ id: number }>(db, "select id from rooms where slug = ?", [slug]);
  let head = 0;
  for (const { kind, at = new Date().toISOString(), count = 1 } of logged) {
    await execute(
      db,
      `insert into events (room_id, seq, kind, member_id, nickname, color, text, at)
       select ?, ? + n, ?, 'ann', 'Ann', '#b3261e', ?, ? from generate_series(1, ?::int) n`,
      [room?.id, head, kind, kind === "message" ? `said ${head + 1}` : null, at, count],
    );
    head += count;
  }
  await execute(db, "update rooms set last_seq = ? where id = ?", [head, room?.id]);
  return slug;
}

async function open(slug: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ locale: "en-US", ...options });
  const page = await context.newPage();
  await openOldRoom(page, `${old.url}/rooms/${slug}`);
  return page;
}

/** Returns the log as it is on the screen: days, lines, and runs as their sentences. */
const rows = (page: Page) =>
  page.$$eval("#log > li", (items) =>
    items.map((item) => (item.querySelector(".fold") || item.querySelector(".text") || item).textContent),
  );

/** Returns how many lines of a run are on the screen. */
const linesOf = (page: Page, run: string) =>
  page.$$eval(`${run} .line`, (all) => all.filter((line) => line.getClientRects().length > 0).length);

const texts = (page: Page) => page.$$eval("#log > .message .text", (all) => all.map((text) => text.textContent));

const act = (who: TestPerson, room: string, what: "enter" | "leave") =>
  request(site.url).post(`/api/rooms/${room}/${what}`).set("authorization", `Bearer ${who.token}`).send({}).expect(200);

browserTest(
  "runs of coming and going are one line each, from the server and live, and open to their lines",
  async () => {
    const room = await roomOf("runs", [
      { kind: "message" },
      { kind: "enter", count: 120 },
      { kind: "message" },
      { kind: "enter", count: 2 },
    ]);
    const page = await open(room);
    const [day] = await rows(page);
    expect(await rows(page)).toEqual([day, "said 1", "120 came", "said 122", "entered", "entered"]);
    await page.click(".fold");
    // The server has sent the newest fifty lines of this run.
    expect(await linesOf(page, ".folded")).toBe(50);
    expect(await page.textContent(".folded .skipped")).toBe("70 more");
    await page.click(".fold");
    expect(await linesOf(page, ".folded")).toBe(0);

    const bob = await person(site.url, "Bob");
    await act(bob, room, "enter");
    await page.waitForFunction(() => document.querySelectorAll("#log > .folded").length === 2);
    expect((await rows(page)).slice(3)).toEqual(["said 122", "3 came"]);
    await page.click(".folded:last-child .fold");
    await act(bob, room, "leave");
    await page.waitForFunction(
      () => document.querySelector("#log > li:last-child .fold")?.textContent === "3 came, 1 left",
    );
    expect(await linesOf(page, "#log > li:last-child")).toBe(4);
    await page.context().close();
  },
);

const INHERITS_ZONE = { WebKit: "its time zone is that of the machine" };

browserTest(
  "days are separated where the reader is, and each line has its time",
  { except: INHERITS_ZONE },
  async () => {
    const room = await roomOf("days", [
      { kind: "message", at: "2024-12-31T14:59:00Z" },
      { kind: "enter", at: "2024-12-31T14:59:30Z", count: 2 },
      { kind: "enter", at: "2024-12-31T15:00:30Z", count: 2 },
      { kind: "message", at: "2024-12-31T15:01:00Z" },
    ]);
    const times = (page: Page) => page.$$eval("#log > .message time", (all) => all.map((time) => time.textContent));
    const tokyo = await open(room, { timezoneId: "Asia/Tokyo", locale: "ja-JP" });
    const oldYear = "2024年12月31日(火)";
    const newYear = "2025年1月1日(水)";
    expect(await rows(tokyo)).toEqual([oldYear, "said 1", "入室", "入室", newYear, "入室", "入室", "said 6"]);
    expect(await times(tokyo)).toEqual(["23:59", "00:01"]);
    const bob = await person(site.url, "Bobby");
    const { event } = await say(site.url, bob, { text: "now", room });
    await tokyo.waitForSelector(`#log [data-seq="${event.seq}"]`);
    expect(await tokyo.locator("#log .day").count()).toBe(3);
    await tokyo.context().close();

    const angeles = await open(room, { timezoneId: "America/Los_Angeles" });
    expect((await rows(angeles)).slice(0, 4)).toEqual(["Tue Dec 31 2024", "said 1", "4 came", "said 6"]);
    expect((await times(angeles)).slice(0, 2)).toEqual(["06:59", "07:01"]);
    await angeles.context().close();
  },
);

browserTest("older messages load near the top, keep the reader's place, and leave the keyboard its focus", async () => {
  const room = await roomOf("older", [{ kind: "message", count: 120 }]);
  const page = await open(room);
  expect((await texts(page)).length).toBe(50);
  const topOf = (seq: number) => page.$eval(`#log [data-seq="${seq}"]`, (line) => line.getBoundingClientRect().top);
  const top = await page.$eval("#scroll", (box) => {
    box.scrollTop = 0;
    return box.querySelector("[data-seq]")?.getBoundingClientRect().top as number;
  });
  await page.waitForSelector('#log [data-seq="21"]');
  expect(Math.abs((await topOf(71)) - top)).toBeLessThan(5);
  // The focus brings the button into sight, so the rest is read, at the latest by the key.
  await page.focus("#older");
  await page.keyboard.press("Enter");
  await page.waitForSelector('#log [data-seq="1"]');
  // The button is gone with the last older message, and the log has its focus.
  await page.waitForFunction(() => document.activeElement?.id === "scroll");
  expect((await texts(page)).length).toBe(120);
  expect(await page.locator("#log > .day").count()).toBe(1);
  await page.context().close();
});

browserTest("of a long backlog only the newest lines are built, and older ones can be read", async () => {
  const room = await roomOf("backlog", [{ kind: "message", count: 10 }]);
  const page = await open(room);
  const bob = await person(site.url, "Bobber");
  old.cut();
  await page.waitForSelector('#connection[data-state="offline"]');
  const last = await sayAll(site.url, bob, { texts: Array.from({ length: 601 }, (_, n) => `missed ${n}`), room });
  await page.evaluate(() => {
    const built = new Set<Node>();
    Object.assign(window, { built });
    const log = document.querySelector("#log") as Element;
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) for (const node of addedNodes) built.add(node);
    }).observe(log, { childList: true });
  });
  old.pass();
  // Otherwise the page waits for longer, the longer the messages took.
  await page.evaluate(() => window.dispatchEvent(new Event("online")));
  await page.waitForSelector(`#log [data-seq="${last}"]`);
  expect(await page.locator("#log [data-seq]").count()).toBe(200);
  expect(await page.evaluate(() => (window as unknown as { built: Set<Node> }).built.size)).toBeLessThan(450);
  const seqs = await page.$$eval("#log [data-seq]", (all) => all.map((line) => Number(line.getAttribute("data-seq"))));
  expect(seqs).toEqual(seqs.map((_, n) => last - 199 + n));
  // A click would scroll to the button, and the page that is read then would move the button away.
  await page.$eval("#scroll", (box) => {
    box.scrollTop = 0;
  });
  await page.waitForSelector(`#log [data-seq="${last - 200}"]`);
  await page.context().close();
});
