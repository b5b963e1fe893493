import { afterAll, beforeAll, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { type OldSite, openOldRoom as openLiveRoom, openOldSite } from "../support/old-browser.ts";
import { OPERATOR_SECRET, operator } from "../support/operator.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite({ operatorSecret: OPERATOR_SECRET });
let old: OldSite;

beforeAll(async () => {
  old = await openOldSite(site.url);
});

afterAll(() => old?.close());

const ERASED = "This message was erased.";

async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/operate`);
  await page.fill("[name=secret]", OPERATOR_SECRET);
  await page.click("#sign-in button");
  await page.waitForSelector("#switches");
}

/** Opens the lobby as an operator, at the address of the site or of the one for old browsers. */
async function operate(url: string): Promise<Page> {
  const page = await browser.newPage({ locale: "en-US" });
  await signIn(page, url);
  await openLiveRoom(page, `${url}/rooms/lobby`);
  return page;
}

/** Says something as the host's code, and returns the selector of its line. */
async function announce(text: string): Promise<string> {
  const { seq } = await site.node.app.notice("lobby", text);
  return `#log [data-seq="${seq}"]`;
}

browserTest("an operator erases a notice by its menu, and it disappears from every open page", async () => {
  const { page: reader, is } = await browser.sit(site.url, "Rea");
  await is("live");
  const oldReader = await browser.newPage({ locale: "en-US" });
  await openLiveRoom(oldReader, `${old.url}/rooms/lobby`);
  const page = await operate(site.url);
  const { event } = await say(site.url, await person(site.url, "Ann"), "before the news");
  const line = await announce("unlawful news of www.example.org");
  for (const one of [reader, oldReader, page]) await one.waitForSelector(`${line}.notice`);
  expect(await reader.locator(`${line} .menu-button`).count()).toBe(0);
  expect(await oldReader.locator(`${line} .menu-button`).count()).toBe(0);
  // Keys lead from the menu of a message to that of the notice.
  await page.focus(`#log [data-seq="${event.seq}"] .menu-button`);
  await page.keyboard.press("ArrowDown");
  expect(await page.locator(`${line} .menu-button:focus`).count()).toBe(1);
  await page.hover(line);
  await page.click(`${line} .menu-button`);
  expect(await page.locator(".menu button").allTextContents()).toEqual(["Copy link", "Erase", "Moderate…"]);
  await page.click('.menu button:has-text("Erase")');
  await page.click('.menu button:has-text("Erase for everyone?")');
  for (const one of [reader, oldReader, page]) {
    await one.waitForSelector(`${line}.erased:has-text("${ERASED}")`);
    expect(await one.textContent("body")).not.toContain("unlawful");
    await one.reload();
    expect(await one.textContent(`${line}.erased .text`)).toBe(ERASED);
  }
  for (const one of [reader, oldReader, page]) await one.context().close();
});

browserTest("an operator in an old browser erases a notice by the page to which its menu leads", async () => {
  const page = await operate(old.url);
  const line = await announce("unlawful news for old browsers");
  await page.click(`${line} .menu-button`);
  expect(await page.locator(`${line} .menu`).textContent()).toMatch(/^\s*Moderate…\s+Link\s*$/);
  await page.locator(line).getByText("Moderate…", { exact: true }).click();
  await page.click("#erase button");
  await page.waitForSelector('.done:has-text("The message was erased.")');
  await openLiveRoom(page, `${old.url}/rooms/lobby`);
  expect(await page.textContent(`${line}.erased .text`)).toBe(ERASED);
  await page.context().close();
});

browserTest(
  "an operator without script erases a notice by its link",
  { needs: ["no script"], except: { WebKit: "WebDriver does not wait for the page that a form leads to" } },
  async () => {
    const open = async () => (await browser.newContext({ javaScriptEnabled: false, locale: "en-US" })).newPage();
    const [page, reader] = [await open(), await open()];
    await signIn(page, site.url);
    const line = await announce("unlawful news without script");
    for (const one of [page, reader]) await one.goto(`${site.url}/rooms/lobby`);
    await reader.frameLocator("iframe").locator(line).getByText("unlawful").waitFor();
    await page.frameLocator("iframe").locator(`${line} .act`).getByText("Report", { exact: true }).click();
    await page.click("#erase button");
    await page.waitForSelector('.done:has-text("The message was erased.")');
    await reader.frameLocator("iframe").locator(`${line}.erased .text`).getByText(ERASED).waitFor();
    for (const one of [page, reader]) await one.context().close();
  },
);

browserTest("a line that is read later shows a notice as erased, in every browser", async () => {
  const line = await announce("unlawful news of long ago");
  const seq = Number(/\d+/.exec(line)?.[0]);
  await (await operator(site.url)).post("/api/rooms/lobby/erase", { seq }).expect(200);
  const ann = await person(site.url, "Annie");
  for (let n = 0; n < 60; n += 1) await say(site.url, ann, `message ${n}`);
  for (const url of [site.url, old.url]) {
    const page = await browser.newPage({ locale: "en-US" });
    await openLiveRoom(page, `${url}/rooms/lobby`);
    expect(await page.locator(line).count()).toBe(0);
    // It may load them as soon as it is in sight.
    await page.focus("#older");
    await page.keyboard.press("Enter");
    await page.waitForSelector(`${line}.erased`, { state: "attached" });
    expect(await page.textContent(`${line}.erased .text`)).toBe(ERASED);
    await page.context().close();
  }
});
