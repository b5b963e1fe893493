import { afterAll, beforeAll, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { enterOldRoom, type OldSite, openOldSite } from "../support/old-browser.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();
let old: OldSite;

beforeAll(async () => {
  old = await openOldSite(site.url);
});

afterAll(() => old?.close());

async function sit(nickname: string): Promise<Page> {
  const page = await browser.newPage({ locale: "en-US" });
  await enterOldRoom(page, `${old.url}/rooms/lobby`, nickname);
  return page;
}

const field = (page: Page) => page.inputValue("#text");

async function write(page: Page, text: string): Promise<void> {
  await page.fill("#text", text);
  await page.press("#text", "Enter");
  await page.waitForSelector(`#log [data-seq].own .text:text-is("${text}")`);
}

browserTest("an old browser marks own messages, brings them back, and puts names into the field", async () => {
  const ann = await person(site.url, "Old Ann");
  await say(site.url, ann, "hello");
  const page = await sit("Old Ben");
  await write(page, "one");
  await write(page, "two");
  await page.press("#text", "ArrowUp");
  expect(await field(page)).toBe("two");
  await page.press("#text", "ArrowUp");
  expect(await field(page)).toBe("one");
  await page.fill("#text", "");
  await page.reload();
  await page.waitForSelector('#connection[data-state="live"]');
  expect(await page.locator("#log .own").count()).toBe(2);
  await page.click('#log .nickname:text-is("Old Ann")');
  expect(await field(page)).toBe("@Old Ann ");
  await page.focus('#members .nickname:text-is("Old Ann")');
  await page.keyboard.press("Enter");
  expect(await field(page)).toBe("@Old Ann @Old Ann ");
  await page.fill("#text", "/help");
  await page.press("#text", "Enter");
  await page.waitForSelector("#help", { state: "visible" });
  await page.click("#help button");
  await page.waitForSelector("#help", { state: "hidden" });
  await page.context().close();
});

browserTest("an old browser ignores a person, in a reload, too, and stops", async () => {
  const bad = await person(site.url, "Old Bad");
  await say(site.url, bad, "bad before");
  const page = await sit("Old Reader");
  const quiet = () =>
    until("nothing of the ignored person is in the log", async () => {
      const log = (await page.textContent("#log")) ?? "";
      return !log.includes("bad") && !log.includes("Old Bad");
    });
  const line = page.locator('#log .line:has(.text:text-is("bad before"))');
  await line.locator(".menu-button").click();
  await line.locator(".ignore").click();
  await quiet();
  const { event } = await say(site.url, bad, "bad live");
  await page.waitForSelector(`#log [data-seq="${event.seq}"]`, { state: "attached" });
  await quiet();
  expect(await page.textContent("#announcer")).not.toContain("bad");
  await page.reload();
  await page.waitForSelector('#connection[data-state="live"]');
  await quiet();
  await page.locator("#ignored").getByText("Stop ignoring").click();
  await page.waitForSelector('#log .text:text-is("bad live")');
  expect(await page.textContent("#log")).toContain("bad before");
  await page.context().close();
});

browserTest("an old browser answers, edits and erases", async () => {
  const ann = await person(site.url, "Old Asker");
  const { event } = await say(site.url, ann, "a question");
  const page = await sit("Old Writer");
  const choose = async (line: string, item: string) => {
    await page.click(`${line} .menu-button`);
    await page.locator(line).getByText(item, { exact: true }).click();
  };
  await choose(`#log [data-seq="${event.seq}"]`, "Reply");
  await write(page, "an answer");
  await page.waitForFunction(() => document.querySelector("#log .own .quote")?.textContent?.includes("a question"));
  await choose("#log .own", "Edit");
  expect(await field(page)).toBe("an answer");
  await write(page, "a better answer");
  await page.evaluate("window.confirm = function () { return true; }");
  await choose("#log .own", "Erase");
  await page.waitForSelector("#log .own.erased");
  expect(await page.textContent("#log")).not.toContain("better");
  await page.context().close();
});
