import { describe, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

const PHONE = { viewport: { width: 390, height: 844 }, locale: "en-US" };
const LINES = `first${"\n".repeat(1990)}last`;
const WORD = "x".repeat(2000);
const PARAGRAPH = "word ".repeat(399);
/** 15 lines, the name, the button, and a little more. */
const FOLDED_PX = 560;

let authors = 0;

/** Sends the texts under a name that nobody used before, and returns the seqs. */
async function sayAll(...texts: string[]): Promise<number[]> {
  authors += 1;
  const author = await person(site.url, `Author ${authors}`);
  const seqs = [];
  for (const text of texts) seqs.push((await say(site.url, author, text)).event.seq);
  return seqs;
}

const line = (seq: number) => `#log [data-seq="${seq}"]`;

async function heightOf(page: Page, seq: number): Promise<number> {
  return (await page.locator(line(seq)).boundingBox())?.height ?? 0;
}

describe("a message of more than 20 lines", () => {
  browserTest(
    "is folded on a phone, on the server's page and from the script, and opened by the keyboard",
    async () => {
      const before = await sayAll(LINES, WORD, PARAGRAPH, "short");
      const page = await browser.newPage(PHONE);
      await page.goto(`${site.url}/rooms/lobby`);
      await page.waitForSelector('#connection[data-state="live"]');
      const live = await sayAll(LINES, WORD, PARAGRAPH, "short");
      await page.waitForSelector(line(live[3] as number));
      for (const [lines, word, paragraph, short] of [before, live]) {
        for (const seq of [lines, word, paragraph] as number[]) {
          const folded = await heightOf(page, seq);
          expect(folded).toBeLessThan(FOLDED_PX);
          await page.press(`${line(seq)} summary`, "Enter");
          expect(await heightOf(page, seq)).toBeGreaterThan(folded + 300);
          expect(await page.locator(`${line(seq)} details[open]`).count()).toBe(1);
          await page.press(`${line(seq)} summary`, "Enter");
          expect(await heightOf(page, seq)).toBe(folded);
        }
        expect(await page.locator(`${line(short as number)} summary`).count()).toBe(0);
      }
      await page.context().close();
    },
  );

  browserTest("is folded on a large screen only if it is tall there", async () => {
    const [lines, word] = (await sayAll(LINES, WORD)) as [number, number];
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(`${site.url}/rooms/lobby`);
    expect(await heightOf(page, lines)).toBeLessThan(FOLDED_PX);
    expect(await page.isVisible(`${line(lines)} summary`)).toBe(true);
    expect(await page.isVisible(`${line(word)} summary`)).toBe(false);
    await page.context().close();
  });

  browserTest("is folded without script, too", { needs: ["no script"] }, async () => {
    const [lines] = (await sayAll(LINES)) as [number];
    const page = await browser.newPage({ javaScriptEnabled: false });
    await page.goto(`${site.url}/rooms/lobby/live?refresh=300`);
    expect(await heightOf(page, lines)).toBeLessThan(FOLDED_PX);
    await page.click(`${line(lines)} summary`);
    expect(await heightOf(page, lines)).toBeGreaterThan(10_000);
    await page.context().close();
  });
});
