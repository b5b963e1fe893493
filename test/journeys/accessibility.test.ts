import { createRequire } from "node:module";
import { describe, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import { browserTest, useBrowser } from "../support/browser.ts";
import { useSite } from "../support/use-site.ts";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const browser = useBrowser();
const site = useSite();

/** Returns the violations of WCAG 2.2 AA that axe finds, as rule and element. */
async function faults(page: Page): Promise<string[]> {
  // The page's policy allows only its own scripts, but does not apply to the debugger.
  const { readFileSync } = await import("node:fs");
  await page.evaluate(readFileSync(AXE, "utf8"));
  return page.evaluate(async () => {
    const axe = (
      globalThis as unknown as {
        axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      }
    ).axe;
    const { violations } = await axe.run({
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  });
}

describe("WCAG 2.2 AA holds", () => {
  for (const colorScheme of ["light", "dark"] as const)
    for (const locale of ["en-US", "ja-JP"])
      browserTest(`in the lobby and in a room, ${colorScheme}, ${locale}`, async () => {
        const name = `${colorScheme} ${locale.slice(0, 2)}`;
        const seat = await browser.sit(site.url, name, { locale, colorScheme, viewport: { width: 390, height: 844 } });
        await seat.is("live");
        await seat.say("a message with https://example.com/ in it");
        await seat.sees("a message with https://example.com/ in it");
        expect(await faults(seat.page)).toEqual([]);
        await seat.page.click("#room-menu summary");
        expect(await faults(seat.page)).toEqual([]);
        await seat.page.goto(`${site.url}/`);
        await seat.page.click(".lobby-make summary");
        expect(await faults(seat.page)).toEqual([]);
        await seat.page.goto(`${site.url}/rooms/nowhere`);
        expect(await faults(seat.page)).toEqual([]);
        await seat.page.context().close();
      });

  for (const colorScheme of ["light", "dark"] as const)
    browserTest(`in menus, help, rename form, search, and the pages of a message, ${colorScheme}`, async () => {
      const seat = await browser.sit(site.url, `All ${colorScheme}`, { locale: "en-US", colorScheme });
      const { page } = seat;
      await seat.is("live");
      await seat.say("asked");
      await seat.sees("asked");
      await page.click("#log .own .menu-button");
      expect(await faults(page)).toEqual([]);
      await page.click('.menu button:text-is("Reply")');
      expect(await faults(page)).toEqual([]);
      await seat.say("answered");
      await seat.sees("answered");
      await seat.say("/help");
      await page.waitForSelector("#help", { state: "visible" });
      expect(await faults(page)).toEqual([]);
      await page.click("#members .own .nickname");
      await page.waitForSelector("#rename");
      expect(await faults(page)).toEqual([]);
      const change = `${await page.getAttribute("#log .own .at", "href")}/change`;
      await page.click("a.search-link");
      await page.waitForSelector("#search-panel #search-text");
      await page.fill("#search-text", "asked");
      await page.press("#search-text", "Enter");
      await page.waitForSelector("#results .result");
      expect(await faults(page)).toEqual([]);
      for (const path of [change, "/rooms/lobby/rename", "/rooms/lobby/search?text=asked", "/rooms/lobby/99999"]) {
        await page.goto(site.url + path);
        expect([path, await faults(page)]).toEqual([path, []]);
      }
      await page.context().close();
    });
});
