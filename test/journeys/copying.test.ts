import { expect } from "@jest/globals";
import type { Page } from "playwright-core";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

/**
 * Selects from one text of the log to another, presses the keys for copying, and returns what was
 * copied by the page, or else the selection that the browser copies.
 */
async function copy(page: Page, from: [text: string, offset: number], to: [text: string, offset: number]) {
  await page.evaluate(
    (ends) => {
      const texts = [...document.querySelectorAll("#log .text")];
      const [start, end] = ends.map(([text, offset]) => {
        const element = texts.findLast((one) => one.textContent === text);
        return [element?.firstChild as Node, offset] as const;
      }) as [readonly [Node, number], readonly [Node, number]];
      getSelection()?.setBaseAndExtent(...start, ...end);
      const note = (event: ClipboardEvent) => {
        const copied = event.defaultPrevented
          ? event.clipboardData?.getData("text/plain")
          : `as it is: ${getSelection()}`;
        document.body.dataset.copied = copied ?? "";
      };
      addEventListener("copy", note, { once: true });
    },
    [from, to],
  );
  await page.press("#scroll", "Control+c");
  await page.waitForSelector("body[data-copied]");
  return page.evaluate(() => {
    const { copied } = document.body.dataset;
    delete document.body.dataset.copied;
    return copied ?? "";
  });
}

browserTest("copied lines read [time] name: text, and a part of one message is copied as it is", async () => {
  const [ann, ben] = [`ann ${browser.engine()}`, `ben ${browser.engine()}`];
  const author = await person(site.url, ann);
  await say(site.url, author, "hello there");
  await say(site.url, author, "two\nlines");
  await say(site.url, await person(site.url, ben), "hi <b>");
  await say(site.url, author, "after");
  const page = await browser.newPage({ locale: "en-US" });
  await page.goto(`${site.url}/rooms/lobby`);
  await page.waitForSelector('#connection[data-state="live"]');
  const lines = (await copy(page, ["hello there", 6], ["hi <b>", 2]))
    .split("\n")
    .map((one) => one.replace(/^\[[\d:]+\]/, "[02:58]"));
  expect(lines).toEqual([
    `[02:58] ${ann}: there`,
    `[02:58] ${ann}: two`,
    "lines",
    `[02:58] ${ben} entered`,
    `[02:58] ${ben}: hi`,
  ]);
  expect(await copy(page, ["hello there", 0], ["hello there", 5])).toBe("as it is: hello");
  expect(await copy(page, ["hi <b>", 6], ["after", 5])).toMatch(new RegExp(`^\\[[\\d:]+\\] ${ann}: after$`));
  await page.context().close();
});
