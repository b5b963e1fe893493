import { describe, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import request from "supertest";
import { clientId, person, say, sayAll, type TestPerson } from "../support/app.ts";
import { browserTest, isWhole, useBrowser } from "../support/browser.ts";
import { query } from "../support/database.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

let rooms = 0;

async function openRoom(): Promise<string> {
  rooms += 1;
  const room = `lines-${rooms}`;
  await request(site.url).post("/api/rooms").send({ slug: room }).expect(201);
  return room;
}

async function move(room: string, what: "enter" | "leave", who: TestPerson): Promise<void> {
  const path = `/api/rooms/${room}/${what}`;
  await request(site.url).post(path).set("authorization", `Bearer ${who.token}`).expect(200);
}

const crowd = (count: number) =>
  Promise.all(Array.from({ length: count }, (_, n) => person(site.url, `Guest${rooms}x${n}`)));

async function watch(room: string, options = {}): Promise<Page> {
  const page = await browser.newPage({ locale: "en-US", ...options });
  await page.goto(`${site.url}/rooms/${room}`);
  await page.waitForSelector('#connection[data-state="live"]');
  return page;
}

const shownSeqs = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("#log [data-seq]")].map(({ dataset }) => Number(dataset.seq)),
  );

/** Returns the elements of the log: the text of a fold or a day, and else the kind of the line. */
const outline = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("#log > :not(.unread)")].map((one) =>
      one.matches(".folded, .day")
        ? one.querySelector("summary, time")?.textContent
        : ["message", "enter", "leave"].find((kind) => one.classList.contains(kind)),
    ),
  );

describe("people who come and go", () => {
  browserTest("become one line as they do, which opens by keyboard and is read aloud once", async () => {
    const room = await openRoom();
    const guests = await crowd(12);
    const [first, second, ...others] = guests as [TestPerson, TestPerson, ...TestPerson[]];
    await move(room, "enter", first);
    await move(room, "enter", second);
    const page = await watch(room);
    expect(await outline(page)).toEqual(["enter", "enter"]);
    for (const guest of others) await move(room, "enter", guest);
    await page.waitForSelector('.folded summary:text-is("12 came")');
    for (const guest of guests.slice(1)) await move(room, "leave", guest);
    await page.waitForSelector('.folded summary:text-is("12 came, 11 left")');
    expect(await outline(page)).toEqual(["12 came, 11 left"]);
    expect(await shownSeqs(page)).toEqual(Array.from({ length: 23 }, (_, n) => n + 1));
    // The first two may have been announced before.
    await page.waitForFunction(() => document.getElementById("announcer")?.textContent?.includes("11 left"));
    const isOpen = () => page.evaluate(() => document.querySelector<HTMLDetailsElement>(".folded details")?.open);
    expect(await isOpen()).toBe(false);
    await page.focus(".folded summary");
    await page.press(".folded summary", "Enter");
    await page.waitForSelector(".folded .line", { state: "visible" });
    // An open line stays open when it grows, and ends at the next message.
    await move(room, "leave", first);
    await page.waitForSelector('.folded summary:text-is("12 came, 12 left")');
    expect(await isOpen()).toBe(true);
    await say(site.url, first, { text: "back", room });
    await page.waitForSelector('#log .text:text-is("back")');
    expect(await outline(page)).toEqual(["13 came, 12 left", "message"]);
    await page.context().close();
  });

  browserTest("are folded the same on the page from the server and by the script, also above older pages", async () => {
    const room = await openRoom();
    const guests = await crowd(40);
    const [talker] = guests as [TestPerson];
    for (let n = 0; n < 60; n += 1) await say(site.url, talker, { text: `line ${n}`, room, id: clientId() });
    for (const guest of guests.slice(1)) await move(room, "enter", guest);
    for (let n = 60; n < 80; n += 1) await say(site.url, talker, { text: `line ${n}`, room, id: clientId() });
    const page = await watch(room);
    const messages = (count: number) => Array.from({ length: count }, () => "message");
    expect(await outline(page)).toEqual([...messages(30), "39 came", ...messages(20)]);
    await page.evaluate(() => {
      (document.getElementById("scroll") as HTMLElement).scrollTop = 0;
    });
    await page.waitForFunction(() => document.querySelectorAll("#log .message").length === 80);
    expect(await outline(page)).toEqual(["enter", ...messages(60), "39 came", ...messages(20)]);
    expect(isWhole(await shownSeqs(page))).toBe(true);
    await page.context().close();
  });
});

describe("older messages", () => {
  browserTest("can be loaded by keyboard page after page, since the button keeps the focus", async () => {
    const room = await openRoom();
    const [talker] = (await crowd(1)) as [TestPerson];
    for (let n = 0; n < 180; n += 1) await say(site.url, talker, { text: `line ${n}`, room });
    const page = await watch(room);
    const messages = () => page.locator("#log .message").count();
    while ((await messages()) < 180) {
      const before = await messages();
      await page.focus("#older");
      await page.keyboard.press("Enter");
      await page.waitForFunction((n) => document.querySelectorAll("#log .message").length > n, before);
      if ((await messages()) < 180) expect(await page.evaluate(() => document.activeElement?.id)).toBe("older");
    }
    expect(isWhole(await shownSeqs(page))).toBe(true);
    await page.context().close();
  });

  browserTest("leave the lines where they are, also if the name of a day was above them", async () => {
    const room = await openRoom();
    const [talker] = (await crowd(1)) as [TestPerson];
    await sayAll(site.url, talker, { texts: Array.from({ length: 150 }, (_, n) => `line ${n}`), room });
    await query(site.databaseUrl, "update events set at = at - interval '2 days'");
    const page = await watch(room);
    expect((await outline(page))[0]).toMatch(/day/);
    const topOf = (text: string) =>
      page.$eval(`#log .message:has(.text:text-is("${text}"))`, (line) => line.getBoundingClientRect().top);
    await page.evaluate(() => {
      (document.getElementById("scroll") as HTMLElement).scrollTop = 0;
    });
    const before = await topOf("line 100");
    await page.waitForSelector('#log .text:text-is("line 50")', { state: "attached" });
    expect(Math.abs((await topOf("line 100")) - before)).toBeLessThan(5);
    // The place is not at the top again, so no more of them come before what is sent now.
    await sayAll(site.url, talker, { texts: ["a later line"], room });
    await page.waitForSelector('#log .text:text-is("a later line")', { state: "attached" });
    expect(await page.locator("#log .message").count()).toBe(101);
    await page.context().close();
  });
});

describe("the time of a line", () => {
  const at = (room: string, seq: number, time: string) =>
    query(
      site.databaseUrl,
      `update events set at = '${time}' where seq = ${seq} and room_id = (select id from rooms where slug = '${room}')`,
    );

  const follows = (page: Page) =>
    page.evaluate(() =>
      [...document.querySelectorAll("#log .message")].map((line) => {
        const time = line.querySelector("time") as HTMLElement;
        const isSeen = getComputedStyle(time).opacity !== "0";
        return [line.classList.contains("follows"), isSeen ? time.textContent : ""];
      }),
    );

  browserTest("is shown with the name every 15 minutes, five minutes after it, and under the pointer", async () => {
    const room = await openRoom();
    const [talker] = (await crowd(1)) as [TestPerson];
    const minutes = [0, 3, 6, 6, 9, 13, 16, 18];
    for (const minute of minutes) await say(site.url, talker, { text: `minute ${minute}`, room });
    const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    for (const [n, minute] of minutes.entries())
      await at(room, n + 2, `${day}T12:${String(minute).padStart(2, "0")}:${n === 3 ? 30 : 10}Z`);
    const page = await watch(room);
    const clock = (minute: number) =>
      page.evaluate(
        (iso) => {
          const moment = new Date(iso);
          return [moment.getHours(), moment.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
        },
        `${day}T12:${String(minute).padStart(2, "0")}:10Z`,
      );
    expect(await follows(page)).toEqual([
      [false, await clock(0)],
      [true, ""],
      [true, await clock(6)],
      [true, ""],
      [true, await clock(9)],
      [true, await clock(13)],
      [false, await clock(16)],
      [true, ""],
    ]);
    await page.hover('#log .text:text-is("minute 3")');
    await page.waitForFunction(() => {
      const line = document.querySelectorAll("#log .message")[1] as Element;
      return getComputedStyle(line.querySelector("time") as Element).opacity === "1";
    });
    const title = await page.locator("#log .message time").nth(1).getAttribute("title");
    expect(title).toContain(String(new Date().getFullYear()));
    await page.context().close();
  });

  browserTest("is under the name of its day, in the language of the page", async () => {
    const room = await openRoom();
    const [talker] = (await crowd(1)) as [TestPerson];
    for (let n = 0; n < 4; n += 1) await say(site.url, talker, { text: `line ${n}`, room });
    // Noon, so that every zone up to 12 hours from UTC has the same day.
    for (const [seq, day] of [
      [1, "2025-11-28"],
      [2, "2025-11-28"],
      [3, "2025-11-29"],
      [4, "2025-11-29"],
    ] as const)
      await at(room, seq, `${day}T11:59:00Z`);
    const page = await watch(room);
    expect((await outline(page)).slice(0, 6)).toEqual([
      "Friday, November 28, 2025",
      "enter",
      "message",
      "Saturday, November 29, 2025",
      "message",
      "message",
    ]);
    await page.context().close();
    const japanese = await watch(room, { locale: "ja-JP" });
    expect((await outline(japanese))[0]).toBe("2025年11月28日(金)");
    expect(await japanese.locator("#log .message time").first().textContent()).toMatch(/^\d\d:\d\d$/);
    await japanese.context().close();
  });

  browserTest("moves under another day at midnight, in the reader's zone", { needs: ["devtools"] }, async () => {
    const room = await openRoom();
    const [talker] = (await crowd(1)) as [TestPerson];
    await say(site.url, talker, { text: "late", room });
    await at(room, 1, "2031-12-31T14:58:00Z");
    await at(room, 2, "2031-12-31T14:59:00Z");
    const page = await browser.newPage({ locale: "en-US" });
    const devTools = await page.context().newCDPSession(page);
    await devTools.send("Emulation.setTimezoneOverride", { timezoneId: "Asia/Tokyo" });
    await page.clock.install({ time: new Date("2031-12-31T14:59:30Z") });
    await page.goto(`${site.url}/rooms/${room}`);
    await page.waitForFunction(() => document.querySelector("#log time")?.textContent === "23:58");
    expect(await page.locator(".day").count()).toBe(0);
    await page.clock.runFor(31_000);
    expect(await outline(page)).toEqual(["Wednesday, December 31, 2031", "enter", "message"]);
    // A traveler's clock.
    await devTools.send("Emulation.setTimezoneOverride", { timezoneId: "America/New_York" });
    await page.evaluate(() => window.dispatchEvent(new Event("focus")));
    expect(await page.locator("#log .message time").textContent()).toBe("09:59");
    expect(await page.locator(".day").count()).toBe(0);
    await page.context().close();
  });
});

browserTest("the line that is being read stays in place when the page becomes narrower", async () => {
  const room = await openRoom();
  const [talker] = (await crowd(1)) as [TestPerson];
  const long = "words that fill more than one line on a narrow page, and less than one on a wide one ".repeat(2);
  for (let n = 0; n < 50; n += 1) await say(site.url, talker, { text: `${n} ${long}`, room });
  const page = await watch(room, { viewport: { width: 1000, height: 600 } });
  const top = (n: number) =>
    page.evaluate((index) => {
      const box = (document.getElementById("scroll") as HTMLElement).getBoundingClientRect();
      const line = document.querySelectorAll("#log .message")[index] as HTMLElement;
      return line.getBoundingClientRect().top - box.top;
    }, n);
  const painted = () =>
    page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  await page.evaluate(() => document.querySelectorAll("#log .message")[20]?.scrollIntoView());
  await painted();
  const before = await top(20);
  await page.setViewportSize({ width: 500, height: 600 });
  await page.waitForFunction(() => (document.getElementById("scroll") as HTMLElement).clientWidth < 600);
  await painted();
  expect(Math.abs((await top(20)) - before)).toBeLessThan(3);
  await page.context().close();
});
