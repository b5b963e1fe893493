import { afterAll, beforeAll, beforeEach, expect, jest } from "@jest/globals";
import type { Page } from "playwright-core";
import request from "supertest";
import { browserTest, useBrowser } from "../support/browser.ts";
import { enterOldRoom, type OldSite, openOldRoom, openOldSite } from "../support/old-browser.ts";
import { useSite } from "../support/use-site.ts";

// Unsent messages on the page for old browsers.

type LoggedEvent = { text?: string; member: { nickname: string } };

const browser = useBrowser();
const site = useSite({ graceSeconds: 60 });
let old: OldSite;
let lobby: string;

jest.setTimeout(60_000);

beforeAll(async () => {
  old = await openOldSite(site.url);
  lobby = `${old.url}/rooms/lobby`;
});

let people = 0;
/** Each engine enters under a nickname of its own. */
let me: string;

beforeEach(() => {
  people += 1;
  me = `Ida${people}`;
  old.pass();
});

afterAll(() => old?.close());

async function write(page: Page, text: string): Promise<void> {
  await page.fill("#say [name=text]", text);
  await page.press("#say [name=text]", "Enter");
}

const kept = (page: Page, text: string) => page.waitForSelector(`#log .kept:has-text("${text}")`);

const sees = (page: Page, text: string) =>
  page.waitForSelector(`#log [data-seq]:not(.pending) .text:text-is("${text}")`);

/** Returns which of these texts I have in the log, each with its author. */
async function logged(texts: string[]): Promise<string[]> {
  const { body } = await request(site.url).get("/api/rooms/lobby/messages?limit=200");
  return body.events
    .filter(({ text, member }: LoggedEvent) => texts.includes(text ?? "") && member.nickname === me)
    .map(({ text, member }: LoggedEvent) => `${member.nickname}: ${text}`);
}

browserTest("an old browser's message that waits is canceled or written again, and is not sent", async () => {
  const page = await browser.newPage({ locale: "en-US" });
  await enterOldRoom(page, lobby, me);
  old.cut();
  for (const text of ["to be canceled", "to be edited", "to be sent"]) await write(page, text);
  await kept(page, "to be sent");
  await page.focus('#log .kept:has-text("to be canceled") a:has-text("Cancel")');
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => !document.querySelector("#log")?.textContent?.includes("to be canceled"));
  await page.fill("#say [name=text]", "and this");
  await page.focus('#log .kept:has-text("to be edited") a:has-text("Edit")');
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.getAttribute("name") === "text");
  expect(await page.inputValue("#say [name=text]")).toBe("to be edited\nand this");
  old.pass();
  await write(page, "edited");
  for (const text of ["to be sent", "edited"]) await sees(page, text);
  expect(await page.locator("#log .pending").count()).toBe(0);
  expect(await logged(["to be canceled", "to be edited", "to be sent", "edited"])).toEqual([
    `${me}: to be sent`,
    `${me}: edited`,
  ]);
  await page.context().close();
});

// Without locks, a tab that cannot say that it is closed counts as alive for 150 s.
const SPEECHLESS = { Firefox: "a tab that is closed here often has no time to store anything" };

browserTest(
  "an old browser's unsent messages and draft outlive the tab, and are sent once by the next",
  { except: SPEECHLESS },
  async () => {
    const context = await browser.newContext({ locale: "en-US" });
    const first = await context.newPage();
    await enterOldRoom(first, lobby, me);
    old.cut();
    const texts = ["left one", "left two"];
    for (const text of texts) await write(first, text);
    await kept(first, "left two");
    await first.fill("#say [name=text]", "half written");
    const next = [await context.newPage(), await context.newPage()];
    await first.close({ runBeforeUnload: true });
    old.pass();
    await Promise.all(next.map((page) => openOldRoom(page, lobby)));
    for (const page of next) for (const text of texts) await sees(page, text);
    for (const page of next) await page.waitForFunction(() => document.querySelector("#log .pending") === null);
    expect(await logged(texts)).toEqual(texts.map((text) => `${me}: ${text}`));
    // Without locks, both may have found it.
    expect(await Promise.all(next.map((page) => page.inputValue("#say [name=text]")))).toContain("half written");
    await context.close();
  },
);

browserTest("an old browser's unsent messages outlive a reload", async () => {
  const page = await browser.newPage({ locale: "en-US" });
  await enterOldRoom(page, lobby, me);
  await write(page, "before");
  await sees(page, "before");
  old.cut();
  await write(page, "over the reload");
  await kept(page, "over the reload");
  old.pass();
  await page.reload();
  await sees(page, "over the reload");
  await page.waitForFunction(() => document.querySelector("#log .pending") === null);
  expect(await logged(["over the reload"])).toEqual([`${me}: over the reload`]);
  await page.context().close();
});
