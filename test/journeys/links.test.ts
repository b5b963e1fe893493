import { expect } from "@jest/globals";
import type { Page } from "playwright-core";
import { TEXT_LENGTH } from "../../protocol/limits.ts";
import { linkedPieces } from "../../protocol/links.ts";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { LINKS, OTHER_LINKS } from "../support/links.ts";
import { openOldRoom, openOldSite } from "../support/old-browser.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

/** Returns the texts of the table in few messages. A reversing character has one of its own. */
function messages(): string[] {
  const texts = [...LINKS, ...OTHER_LINKS].map(([text]) => text);
  const isReversed = (text: string) => /[\u202d\u202e]/.test(text);
  const joined = [""];
  for (const text of texts.filter((one) => !isReversed(one))) {
    const longer = `${joined.at(-1)}\n${text}`;
    if (longer.length > TEXT_LENGTH) joined.push(text);
    else joined[joined.length - 1] = longer;
  }
  return [...joined, ...texts.filter(isReversed)];
}

/** Returns the addresses and texts of the links in the messages. */
function linksOf(page: Page): Promise<string[][]> {
  return page.evaluate(() => {
    const links = [...document.querySelectorAll("#log [data-seq] .text a")];
    return links.map((link) => [link.getAttribute("href") ?? "", link.textContent ?? ""]);
  });
}

browserTest(
  "links are the same on the server's page, from the script, and from the script for old browsers",
  { needs: [] },
  async () => {
    const script = await (await browser.newContext()).newPage();
    const legacy = await (await browser.newContext()).newPage();
    const old = await openOldSite(site.url);
    for (const [page, { url }] of [
      [script, site],
      [legacy, old],
    ] as const)
      await openOldRoom(page, `${url}/rooms/lobby`);
    const ann = await person(site.url, "Ann");
    const expected = messages().flatMap((text) => linkedPieces(text).filter(({ href }) => href !== ""));
    for (const text of messages()) await say(site.url, ann, text);
    const { event } = await say(site.url, ann, "the last");
    for (const page of [script, legacy]) await page.waitForSelector(`#log [data-seq="${event.seq}"]`);
    expect(expected.length).toBeGreaterThan(60);
    const plain = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
    await plain.goto(`${site.url}/rooms/lobby`);
    for (const page of [script, legacy, plain]) {
      expect(await linksOf(page)).toEqual(expected.map(({ text, href }) => [href, text]));
      await page.context().close();
    }
    await old.close();
  },
);
