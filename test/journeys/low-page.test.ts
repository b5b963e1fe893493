import { beforeAll, describe, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

/** The width, the height, the least height of the log, and a language, whose words are as long. */
const SIZES = [
  [844, 190, 60, "en-US"],
  [667, 175, 60, "ja-JP"],
  [568, 150, 60, "en-US"],
  [360, 320, 110, "ja-JP"],
  [320, 256, 60, "en-US"],
  [640, 360, 110, "en-US"],
  [1280, 200, 60, "ja-JP"],
] as const;

beforeAll(async () => {
  const talker = await person(site.url, "Talker");
  for (let n = 0; n < 12; n += 1) await say(site.url, talker, `line ${n}`);
});

/** Returns the height of the log that is in the window, and the edges of what must not run off. */
const measured = (page: Page) =>
  page.evaluate(() => {
    const log = (document.querySelector("#scroll") as HTMLElement).getBoundingClientRect();
    const { scrollWidth, scrollHeight } = document.documentElement;
    const edges = [...document.querySelectorAll<HTMLElement>("#say > *, #enter > *, .bar, .bar button, summary")]
      .map((element) => element.getBoundingClientRect())
      .filter(({ width, height }) => width > 0 && height > 0);
    return {
      log: Math.min(log.bottom, innerHeight) - Math.max(log.top, 0),
      isInside: edges.every(
        ({ left, top, right, bottom }) => left >= 0 && top >= 0 && right <= innerWidth + 1 && bottom <= innerHeight + 1,
      ),
      scrolls: scrollWidth > innerWidth || scrollHeight > innerHeight,
    };
  });

describe.each(SIZES)("a page of %i by %i pixels", (...[width, height, least, locale]) => {
  browserTest(
    "shows lines of the log above every form, and cuts nothing off",
    async () => {
      const context = await browser.newContext({ locale, viewport: { width, height } });
      const page = await context.newPage();
      await page.goto(`${site.url}/rooms/lobby`);
      await page.waitForSelector("#enter");
      const watching = await measured(page);
      expect(watching).toEqual({ log: watching.log, isInside: true, scrolls: false });
      expect(watching.log).toBeGreaterThanOrEqual(least);
      await page.fill("#enter [name=nickname]", `${locale.slice(0, 2)} ${width}x${height}`);
      await page.press("#enter [name=nickname]", "Enter");
      await page.waitForSelector("#say");
      const talking = await measured(page);
      expect(talking).toEqual({ log: talking.log, isInside: true, scrolls: false });
      expect(talking.log).toBeGreaterThanOrEqual(least);
      await page.fill("#say [name=text]", "a\nb\nc\nd\ne\nf");
      const writing = await measured(page);
      expect(writing).toEqual({ log: writing.log, isInside: true, scrolls: false });
      expect(writing.log).toBeGreaterThan(27);
      await context.close();
    },
    90_000,
  );
});

browserTest(
  "a phone on its side, with its keyboard open, shows four messages and more",
  async () => {
    const page = await browser.newPage({ locale: "ja-JP", viewport: { width: 844, height: 190 } });
    await page.goto(`${site.url}/rooms/lobby`);
    await page.waitForSelector('#connection[data-state="live"]');
    const talker = await person(site.url, `Ann ${browser.engine()}`);
    for (let n = 0; n < 6; n += 1) await say(site.url, talker, `said ${n}`);
    await page.waitForSelector('#log .text:text-is("said 5")');
    await page.fill("#enter [name=nickname]", `Low ${browser.engine()}`);
    await page.press("#enter [name=nickname]", "Enter");
    await page.waitForSelector("#say");
    await page.click("#say [name=text]");
    const whole = await page.evaluate(() => {
      const { top, bottom } = (document.querySelector("#scroll") as HTMLElement).getBoundingClientRect();
      return [...document.querySelectorAll("#log .line")].filter((line) => {
        const box = line.getBoundingClientRect();
        return box.top >= top - 1 && box.bottom <= bottom + 1;
      }).length;
    });
    expect(whole).toBeGreaterThanOrEqual(4);
    await page.context().close();
  },
  90_000,
);

describe("the people of a low page", () => {
  browserTest(
    "unfold over the log",
    async () => {
      const context = await browser.newContext({ locale: "en-US", viewport: { width: 640, height: 300 } });
      const page = await context.newPage();
      await page.goto(`${site.url}/rooms/lobby`);
      await page.click(".people summary");
      const box = await page.locator("#members").boundingBox();
      expect(box?.y).toBeGreaterThan(20);
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(641);
      expect((await measured(page)).log).toBeGreaterThan(150);
      await context.close();
    },
    90_000,
  );
});
