import { afterAll, beforeAll, expect, jest } from "@jest/globals";
import type { Page } from "playwright-core";
import request from "supertest";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { enterOldRoom, type OldSite, openOldRoom, openOldSite } from "../support/old-browser.ts";
import { useSite } from "../support/use-site.ts";

// News on the page for old browsers, in browsers that read their pages as if without modules.

const browser = useBrowser();
const site = useSite();
let old: OldSite;

jest.setTimeout(60_000);

beforeAll(async () => {
  old = await openOldSite(site.url);
});

afterAll(() => old?.close());

let rooms = 0;

async function openRoom() {
  rooms += 1;
  const slug = `old-notices-${rooms}`;
  await request(site.url).post("/api/rooms").send({ slug }).expect(201);
  const bob = await person(site.url, `Bob${rooms}`);
  const speak = async (...texts: string[]) => {
    for (const text of texts) await say(site.url, bob, { room: slug, text });
  };
  const comeIn = async (nickname: string) => {
    const { token } = await person(site.url, nickname);
    await request(site.url).post(`/api/rooms/${slug}/enter`).set("authorization", `Bearer ${token}`).expect(200);
  };
  return { url: `${old.url}/rooms/${slug}`, speak, comeIn };
}

/** Returns the texts of the log in their order, with the unread line. */
const shown = (page: Page) =>
  page.$$eval("#log > .message, #log > .unread", (lines) =>
    lines.map((line) => (line.className === "unread" ? "---" : line.querySelector(".text")?.textContent)),
  );

/** Chooses in a field of the settings. */
const choose = (page: Page, choice: { [id: string]: string }) =>
  page.evaluate((chosen) => {
    for (const [id, value] of Object.entries(chosen)) {
      const field = document.getElementById(id) as HTMLSelectElement;
      field.value = value;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }, choice);

const sees = (page: Page, text: string) =>
  page.waitForFunction(
    (awaited) => [...document.querySelectorAll("#log .text")].some((one) => one.textContent === awaited),
    text,
  );

browserTest("the old page marks where the reader left off and who named them, and counts both", async () => {
  const { url, speak, comeIn } = await openRoom();
  await speak("one");
  const page = await browser.newPage({ locale: "en-US" });
  await enterOldRoom(page, url, "健太");
  const title = await page.title();
  await page.evaluate(() => window.dispatchEvent(new Event("blur")));
  await speak("two", "健太さん、見て");
  await sees(page, "健太さん、見て");
  expect(await shown(page)).toEqual(["one", "---", "two", "健太さん、見て"]);
  await page.waitForFunction((awaited) => document.title === awaited, `(2) @1 ${title}`);
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  expect(await page.title()).toBe(title);
  expect(await page.$$eval(".mention .text", (all) => all.map((text) => text.textContent))).toEqual(["健太さん、見て"]);
  // A reply shows that all was read.
  await page.fill("#say [name=text]", "健太です");
  await page.press("#say [name=text]", "Enter");
  await page.waitForFunction(() => document.getElementById("unread") === null);
  await page.goto("about:blank");
  await speak("three");
  await openOldRoom(page, url);
  expect(await shown(page)).toEqual(["one", "two", "健太さん、見て", "健太です", "---", "three"]);
  // Others only came, so nothing was missed.
  await page.goto("about:blank");
  await comeIn("次郎");
  await openOldRoom(page, url);
  await speak("four");
  await sees(page, "four");
  expect(await shown(page)).not.toContain("---");
  await page.context().close();
});

browserTest("the old page has the newest line on top, and fewer lines, if its reader has chosen that", async () => {
  const { url, speak } = await openRoom();
  await speak(...Array.from({ length: 25 }, (_, n) => `message ${n + 1}`));
  const page = await browser.newPage({ locale: "en-US" });
  await openOldRoom(page, url);
  expect((await shown(page))[0]).toBe("message 1");
  await page.click("#settings summary");
  await choose(page, { order: "newest" });
  await choose(page, { lines: "20" });
  await page.click("#settings [type=submit]");
  await page.waitForSelector(".newest-on-top");
  await page.waitForSelector('#connection[data-state="live"]');
  await speak("message 26");
  await sees(page, "message 26");
  const lines = await shown(page);
  expect(lines).toHaveLength(20);
  expect(lines.slice(0, 2)).toEqual(["message 26", "message 25"]);
  expect(lines[19]).toBe("message 7");
  expect(await page.evaluate(() => document.getElementById("scroll")?.scrollTop)).toBe(0);
  await page.context().close();
});

browserTest("the old page makes a sound for mentions, once the reader has chosen that", async () => {
  const { url, speak } = await openRoom();
  const page = await browser.newPage({ locale: "en-US" });
  await enterOldRoom(page, url, "花子");
  await page.evaluate(() => {
    const heard = { notes: 0 };
    const node = { connect: () => undefined, frequency: {}, gain: {}, start: () => undefined, stop: () => undefined };
    const create = () => {
      heard.notes += 1;
      return node;
    };
    // The program has found out already that the browser can make sounds.
    const { prototype } = AudioContext;
    Object.assign(window, { heard });
    Object.defineProperty(prototype, "createOscillator", { value: create });
    Object.defineProperty(prototype, "createGain", { value: () => node });
  });
  const notes = () => page.evaluate(() => (window as unknown as { heard: { notes: number } }).heard.notes);
  await speak("花子さん、まだ静かです");
  await sees(page, "花子さん、まだ静かです");
  expect(await notes()).toBe(0);
  await page.click("#settings summary");
  await choose(page, { sound: "mentions" });
  // A trial of two notes.
  expect(await notes()).toBe(2);
  await speak("plain");
  await sees(page, "plain");
  expect(await notes()).toBe(2);
  // The next sound is two seconds later at the earliest.
  await page.waitForTimeout(2_100);
  await speak("花子さん、聞こえますか");
  await sees(page, "花子さん、聞こえますか");
  expect(await notes()).toBe(4);
  await page.context().close();
});
