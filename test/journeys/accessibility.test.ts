import { createRequire } from "node:module";
import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { openSite, type TestSite } from "../support/app.ts";
import { browserTest, openBrowser, sit } from "../support/browser.ts";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
let site: TestSite;
let url: string;
let browser: Browser;

beforeAll(async () => {
  site = await openSite();
  url = site.nodes[0]?.url as string;
  browser = (await openBrowser()) as Browser;
}, 30_000);

afterAll(async () => {
  await browser?.close();
  await site.close();
});

/** What axe finds against WCAG 2.2 AA, as rule and element. */
async function faults(page: Page): Promise<string[]> {
  // the page's own policy allows no script but its files; the debugger's evaluate is not bound by it
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
        const seat = await sit(browser, url, name, { locale, colorScheme, viewport: { width: 390, height: 844 } });
        await seat.is("live");
        await seat.say("a remark with https://example.com/ in it");
        await seat.sees("a remark with https://example.com/ in it");
        expect(await faults(seat.page)).toEqual([]);
        await seat.page.goto(`${url}/`);
        expect(await faults(seat.page)).toEqual([]);
        await seat.page.goto(`${url}/rooms/nowhere`);
        expect(await faults(seat.page)).toEqual([]);
        await seat.page.context().close();
      });
});
