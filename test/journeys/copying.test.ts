import { expect } from "@jest/globals";
import type { Page } from "playwright-core";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

/** Selects from one text of the log to another, and returns what a copy of that contains. */
function copy(page: Page, from: [text: string, offset: number], to: [text: string, offset: number]): Promise<string> {
  return page.evaluate(
    (ends) => {
      const texts = [...document.querySelectorAll("#log .text")];
      const [start, end] = ends.map(([text, offset]) => {
        const element = texts.findLast((one) => one.textContent === text);
        return [element?.firstChild as Node, offset] as const;
      }) as [readonly [Node, number], readonly [Node, number]];
      getSelection()?.setBaseAndExtent(...start, ...end);
      const clipboardData = new DataTransfer();
      const event = new ClipboardEvent("copy", { bubbles: true, cancelable: true, clipboardData });
      // Without a handler the browser would copy the selection itself.
      const isLeft = start[0].dispatchEvent(event);
      return isLeft ? `as it is: ${getSelection()}` : clipboardData.getData("text/plain");
    },
    [from, to],
  );
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
