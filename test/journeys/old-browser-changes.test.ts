import { afterAll, afterEach, beforeAll, expect } from "@jest/globals";
import { connect, type RoomHandle } from "../../client/index.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { type OldSite, openOldRoom, openOldSite } from "../support/old-browser.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();
let old: OldSite;
let ann: RoomHandle | undefined;

beforeAll(async () => {
  old = await openOldSite(site.url);
});

afterEach(() => ann?.close());

afterAll(() => old?.close());

browserTest("the page for old browsers shows replies, edits, erases, renames and rolls as they happen", async () => {
  ann = connect(site.url, { room: "lobby", nickname: "Ann" });
  await ann.ready;
  const context = await browser.newContext({ locale: "en-US" });
  const page = await context.newPage();
  await openOldRoom(page, `${old.url}/rooms/lobby`);
  const one = await ann.send("helo");
  await ann.send("an answer", { reply: one.seq });
  const gone = await ann.send("not for long");
  await page.waitForSelector(`#log [data-seq="${gone.seq}"]`);
  await ann.edit(one.seq, "hello all");
  await ann.erase(gone.seq);
  await ann.rename("Anna");
  const { seq } = await ann.send("/roll 2d6");
  await page.waitForSelector(`#log [data-seq="${seq}"]`);
  const textOf = (selector: string) => page.locator(`#log ${selector}`).textContent();
  expect(await textOf(`[data-seq="${one.seq}"] .text`)).toBe("hello all");
  expect(await textOf(`[data-seq="${gone.seq}"] .text`)).toBe("This message was erased.");
  expect(await textOf(".quote")).toBe("Ann: hello all");
  expect(await textOf(".rename .text")).toBe("is the new name of Ann");
  expect(await textOf(".notice .text")).toMatch(/^2d6 = /);
  expect(await page.locator("#members").textContent()).toContain("Anna");
  expect(await page.evaluate(() => document.documentElement.innerHTML)).not.toMatch(/not for long|: helo</);
  await context.close();
});
