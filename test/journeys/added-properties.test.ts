import { afterAll, beforeAll, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import type { Running } from "../networks/rig/network.ts";
import { openProxy } from "../networks/rig/proxy.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { addScript } from "../support/change-pages.ts";
import { openOldSite } from "../support/old-browser.ts";
import { useSite } from "../support/use-site.ts";

// Extensions, and the scripts of a host's pages, add properties to all objects and lists, which
// loops over an object's names visit too.

const browser = useBrowser();
const site = useSite();
const networks: { [kind: string]: Running } = {};

const ADDED = {
  functions: `function () { throw new Error("an added function was called"); }`,
  numbers: "5",
};

beforeAll(async () => {
  for (const [kind, value] of Object.entries(ADDED)) {
    const script = `Object.prototype.added = ${value}; Array.prototype.also = ${value};`;
    networks[`page, ${kind}`] = await openProxy(site.url, addScript(script));
    networks[`page for old browsers, ${kind}`] = await openOldSite(site.url, addScript(script));
  }
});

afterAll(async () => {
  for (const network of Object.values(networks)) await network.close();
});

const sees = (page: Page, text: string) =>
  page.waitForFunction(
    (awaited) =>
      [...document.querySelectorAll("#log [data-seq]:not(.pending) .text")].some(
        ({ textContent }) => textContent === awaited,
      ),
    text,
  );

async function say(page: Page, text: string): Promise<void> {
  await page.fill("#say [name=text]", text);
  await page.press("#say [name=text]", "Enter");
  await sees(page, text);
}

browserTest.each([
  ["page, functions"],
  ["page, numbers"],
  ["page for old browsers, functions"],
  ["page for old browsers, numbers"],
])(
  "a person enters, talks, whispers and comes back where a script adds to all objects (%s)",
  { except: { WebKit: "its WebDriver cannot read such pages" } },
  async (kind) => {
    const url = `${networks[kind]?.url}/rooms/lobby`;
    const context = await browser.newContext({ locale: "en-US" });
    const page = await context.newPage();
    await page.goto(url);
    await page.waitForSelector('#connection[data-state="live"]');
    expect(await page.evaluate("typeof {}.added + typeof [].also")).toMatch(/^(function|number){2}$/);
    await page.fill("#enter [name=nickname]", "Ann");
    await page.press("#enter [name=nickname]", "Enter");
    await page.waitForSelector("#say");
    await say(page, `a link, https://example.org/(b)/x, ${kind}`);
    // The first page serves the second one.
    const second = await context.newPage();
    await second.goto(url);
    await second.waitForSelector('#connection[data-state="live"]');
    await say(second, `of the second page, ${kind}`);
    await sees(page, `of the second page, ${kind}`);
    await page.reload();
    await page.waitForSelector('#connection[data-state="live"]');
    await say(page, `after coming back, ${kind}`);
    await page.click("form.leave button");
    await page.waitForSelector("#enter");
    await context.close();
  },
  60_000,
);
