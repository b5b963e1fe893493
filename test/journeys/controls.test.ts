import { describe, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import { browserTest, useBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

const PHONE = { width: 390, height: 844 };

/** Returns the top of each element in the page, rounded. */
const tops = (page: Page, selector: string) =>
  page.locator(selector).evaluateAll((all) => all.map((one) => Math.round(one.getBoundingClientRect().top)));

describe("the message field", () => {
  browserTest("is as high as its text, line by line, and shows no scroll bar before its limit", async () => {
    const { page } = await browser.sit(site.url, "Writer", { viewport: PHONE });
    const overflowPx = () => page.$eval("#text", (field) => field.scrollHeight - field.clientHeight);
    const heightPx = () => page.$eval("#text", (field) => field.getBoundingClientRect().height);
    await page.fill("#text", "one line");
    const oneLine = await heightPx();
    for (const text of ["one\ntwo", "one\ntwo\nthree", "one\ntwo\nthree\nfour"]) {
      await page.fill("#text", text);
      await until("the field has grown", async () => (await heightPx()) > oneLine + 10);
      expect(await overflowPx()).toBeLessThanOrEqual(0);
    }
    await page.fill("#text", "one line");
    await until("the field is small again", async () => (await heightPx()) === oneLine);
    await page.context().close();
  });
});

describe("the chosen color", () => {
  browserTest("is marked, and so is the one with the focus, also in a browser without :has()", async () => {
    const page = await browser.newPage({ locale: "en-US" });
    await page.goto(`${site.url}/`);
    await page.evaluate(() => {
      for (const sheet of [...document.styleSheets])
        for (let n = sheet.cssRules.length - 1; n >= 0; n -= 1)
          if (sheet.cssRules[n]?.cssText.includes(":has(")) sheet.deleteRule(n);
    });
    await page.focus("#nickname");
    const unmarked = await looks(page, ".swatch input:not(:checked)");
    const chosen = await looks(page, ".swatch :checked");
    expect(chosen).not.toEqual(unmarked);
    await page.press("#nickname", "Tab");
    expect(await page.evaluate(() => document.activeElement?.matches(".swatch :checked"))).toBe(true);
    expect(await looks(page, ".swatch :checked")).not.toEqual(chosen);
    await page.context().close();
  });

  /** Returns what distinguishes a swatch from others, except its color. */
  function looks(page: Page, input: string): Promise<string[]> {
    return page
      .locator(input)
      .first()
      .evaluate((radio) => {
        const swatch = radio.closest(".swatch") as HTMLElement;
        return [swatch, ...swatch.querySelectorAll("*")].flatMap((one) => {
          const { outlineStyle, borderTopColor } = getComputedStyle(one);
          const isBordered = !/, 0\)$|transparent/.test(borderTopColor);
          return [outlineStyle, String(isBordered), getComputedStyle(one, "::after").content];
        });
      });
  }
});

describe("the lobby", () => {
  browserTest("has all colors in one row on a phone, also next to a scroll bar", async () => {
    // Firefox's scroll bar takes 12 px of a phone's 390.
    const page = await browser.newPage({ locale: "en-US", viewport: PHONE });
    await page.goto(`${site.url}/`);
    for (const width of [390, 378, 360, 320]) {
      await page.setViewportSize({ ...PHONE, width });
      expect([width, new Set(await tops(page, ".swatch")).size]).toEqual([width, 1]);
    }
    await page.context().close();
  });

  browserTest("keeps the buttons of a room side by side at every width", async () => {
    const page = await browser.newPage({ locale: "en-US" });
    await page.goto(`${site.url}/`);
    for (const width of [390, 437, 438, 500, 600, 639, 640, 1280]) {
      await page.setViewportSize({ width, height: 844 });
      expect([width, new Set(await tops(page, ".room-item:first-child .button")).size]).toEqual([width, 1]);
    }
    await page.context().close();
  });
});
