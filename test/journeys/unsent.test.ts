import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import type { BrowserContext, Page } from "playwright-core";
import request from "supertest";
import type { Running } from "../networks/rig/network.ts";
import { openProxy, ownAnswer } from "../networks/rig/proxy.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite({ graceSeconds: 2 });
let network: Running;
/** Messages cannot be sent: a proxy on the way is out of order. Pages and events still arrive. */
let isOut = false;

beforeAll(async () => {
  network = await openProxy(site.url, async (asked, pass) =>
    isOut && asked.path.includes("/messages") && asked.method === "POST" ? ownAnswer(503, "Out of order") : pass(asked),
  );
});

afterAll(() => network?.close());

async function openRoom(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${network.url}/rooms/lobby`);
  return page;
}

async function enter(page: Page, nickname: string): Promise<void> {
  await page.fill("#enter [name=nickname]", nickname);
  await page.press("#enter [name=nickname]", "Enter");
  await page.waitForSelector("#say [name=text]");
}

async function write(page: Page, text: string): Promise<void> {
  await page.fill("#say [name=text]", text);
  await page.press("#say [name=text]", "Enter");
}

const unsent = (page: Page) => page.$$eval("#log .pending .text", (all) => all.map((text) => text.textContent));

async function sees(page: Page, text: string): Promise<void> {
  await page.waitForSelector(`#log [data-seq]:not(.pending) .text:text-is("${text}")`, { timeout: 15_000 });
}

/** Returns which of these texts are in the log, each with its author. */
async function logged(texts: string[]): Promise<string[]> {
  const { body } = await request(site.url).get("/api/rooms/lobby/messages?limit=200");
  return body.events
    .filter(({ text }: { text?: string }) => texts.includes(text ?? ""))
    .map(({ text, member }: { text: string; member: { nickname: string } }) => `${member.nickname}: ${text}`);
}

describe("an unsent message", () => {
  browserTest(
    "survives reloads, and is sent once, in order, by the tab in which it was written",
    async () => {
      const context = await browser.newContext({ locale: "en-US" });
      const page = await openRoom(context);
      await enter(page, "Ann");
      const other = await openRoom(context);
      await other.waitForSelector('#connection[data-state="live"]');
      isOut = true;
      const texts = ["unsent one", "unsent two", "unsent three"];
      for (const text of texts) await write(page, text);
      await page.waitForSelector('#log .kept:has-text("unsent one")');
      await page.reload();
      await page.reload();
      await page.waitForSelector("#log .pending");
      expect(await unsent(page)).toEqual(texts);
      await other.reload();
      await other.waitForSelector('#connection[data-state="live"]');
      expect(await unsent(other)).toEqual([]);
      isOut = false;
      for (const text of texts) for (const tab of [page, other]) await sees(tab, text);
      expect(await logged(texts)).toEqual(texts.map((text) => `Ann: ${text}`));
      expect(await unsent(page)).toEqual([]);
      await page.reload();
      await page.waitForSelector('#connection[data-state="live"]');
      expect(await unsent(page)).toEqual([]);
      await context.close();
    },
    60_000,
  );

  browserTest(
    "survives the loss of the cookie, and is sent under the nickname it was written under",
    async () => {
      const context = await browser.newContext({ locale: "en-US" });
      const page = await openRoom(context);
      await enter(page, "Bea");
      isOut = true;
      await write(page, "before the loss");
      await page.waitForSelector('#log .kept:has-text("before the loss")');
      await context.clearCookies();
      await page.reload();
      await page.waitForSelector("#enter");
      await page.waitForSelector("#log .pending");
      expect(await unsent(page)).toEqual(["before the loss"]);
      isOut = false;
      // The member without a connection leaves first.
      await page.waitForSelector('#log .leave:has-text("Bea")', { timeout: 15_000, state: "attached" });
      expect(await logged(["before the loss"])).toEqual([]);
      await enter(page, "Bea");
      await sees(page, "before the loss");
      expect(await logged(["before the loss"])).toEqual(["Bea: before the loss"]);
      await context.close();
    },
    60_000,
  );

  browserTest(
    "is not sent under another nickname unless its author confirms it",
    async () => {
      const context = await browser.newContext({ locale: "en-US" });
      const page = await openRoom(context);
      await enter(page, "Cid");
      isOut = true;
      await write(page, "as Cid");
      await page.waitForSelector('#log .kept:has-text("as Cid")');
      await context.clearCookies();
      await page.reload();
      isOut = false;
      await enter(page, "Dan");
      await write(page, "as Dan");
      await sees(page, "as Dan");
      expect(await logged(["as Cid", "as Dan"])).toEqual(["Dan: as Dan"]);
      await page.click('#log .refused:has-text("as Cid") button:has-text("Send again")');
      await sees(page, "as Cid");
      expect(await logged(["as Cid"])).toEqual(["Dan: as Cid"]);
      await context.close();
    },
    60_000,
  );
});

browserTest("the buttons of a message that waits are in sight, on a phone too", async () => {
  const context = await browser.newContext({ locale: "en-US", viewport: { width: 320, height: 600 } });
  const page = await openRoom(context);
  await enter(page, "Ivy");
  await page.waitForSelector('#connection[data-state="live"]');
  const text = "long enough for a log that is full\n".repeat(8);
  for (const copy of ["a", "b", "c"]) await write(page, `${copy} ${text}`);
  await page.waitForFunction(() => document.querySelectorAll("#log .own[data-seq]").length === 3);
  isOut = true;
  await write(page, "to be seen");
  await page.waitForSelector("#log .kept button");
  await page.waitForFunction(() => {
    const edge = document.querySelector("#scroll")?.getBoundingClientRect().bottom ?? 0;
    const buttons = [...document.querySelectorAll("#log .kept button")];
    return buttons.length === 2 && buttons.every((one) => one.getBoundingClientRect().bottom <= edge);
  });
  isOut = false;
  await context.close();
});

describe("an unsent message whose tab is closed", () => {
  /**
   * Says something in a tab while nothing can be sent, and closes the tab. Returns two empty tabs,
   * which are opened before, so that the browser stays open.
   */
  async function sayAndClose(context: BrowserContext, nickname: string, texts: string[]): Promise<[Page, Page]> {
    const empty: [Page, Page] = [await context.newPage(), await context.newPage()];
    const page = await openRoom(context);
    await enter(page, nickname);
    isOut = true;
    for (const text of texts) await write(page, text);
    await page.waitForSelector(`#log .kept:has-text("${texts.at(-1)}")`);
    await page.fill("#say [name=text]", `draft of ${nickname}`);
    await page.close();
    return empty;
  }

  browserTest(
    "is sent once, in order, by the next tab, which has the draft too",
    async () => {
      const context = await browser.newContext({ locale: "en-US" });
      const texts = ["closed one", "closed two"];
      const [page] = await sayAndClose(context, "Eve", texts);
      await page.goto(`${network.url}/rooms/lobby`);
      await page.waitForSelector('#log .pending:has-text("closed two")');
      expect(await unsent(page)).toEqual(texts);
      expect(await page.inputValue("#say [name=text]")).toBe("draft of Eve");
      isOut = false;
      for (const text of texts) await sees(page, text);
      await page.reload();
      await page.waitForSelector('#connection[data-state="live"]');
      expect(await unsent(page)).toEqual([]);
      expect(await logged(texts)).toEqual(texts.map((text) => `Eve: ${text}`));
      await context.close();
    },
    60_000,
  );

  browserTest(
    "is sent once if several tabs open at once, or were open all along",
    async () => {
      const context = await browser.newContext({ locale: "en-US" });
      const tabs = await sayAndClose(context, "Fay", ["by one of two"]);
      await Promise.all(tabs.map((tab) => tab.goto(`${network.url}/rooms/lobby`)));
      isOut = false;
      for (const tab of tabs) await sees(tab, "by one of two");
      isOut = true;
      await write(tabs[0], "by the tab that is left");
      await tabs[0].waitForSelector('#log .kept:has-text("by the tab that is left")');
      await tabs[0].close();
      await tabs[1].waitForSelector('#log .pending:has-text("by the tab that is left")');
      isOut = false;
      await sees(tabs[1] as Page, "by the tab that is left");
      const texts = ["by one of two", "by the tab that is left"];
      expect(await logged(texts)).toEqual(texts.map((text) => `Fay: ${text}`));
      await context.close();
    },
    60_000,
  );

  browserTest(
    "waits for its author to confirm it if they have left the room meanwhile",
    async () => {
      const context = await browser.newContext({ locale: "en-US" });
      const [page] = await sayAndClose(context, "Gus", ["after I have left"]);
      const watcher = await (await browser.newContext({ locale: "en-US" })).newPage();
      await watcher.goto(`${network.url}/rooms/lobby`);
      await watcher.waitForSelector('#log .leave:has-text("Gus")', { state: "attached", timeout: 15_000 });
      await watcher.context().close();
      isOut = false;
      await page.goto(`${network.url}/rooms/lobby`);
      await page.waitForSelector('#log .refused:has-text("after I have left")');
      await enter(page, "Gus");
      await page.waitForSelector('#log .refused:has-text("after I have left") button:has-text("Discard")');
      expect(await logged(["after I have left"])).toEqual([]);
      await page.click('#log .refused:has-text("after I have left") button:has-text("Send again")');
      await sees(page, "after I have left");
      expect(await logged(["after I have left"])).toEqual(["Gus: after I have left"]);
      await context.close();
    },
    60_000,
  );
});

describe("a message that waits", () => {
  browserTest(
    "is canceled or written again by the keyboard, and is not sent",
    async () => {
      const page = await openRoom(await browser.newContext({ locale: "en-US" }));
      await enter(page, "Hal");
      isOut = true;
      for (const text of ["to be canceled", "to be edited", "to be sent"]) await write(page, text);
      await page.waitForSelector('#log .kept:has-text("to be sent")');
      await page.focus('#log .kept:has-text("to be canceled") button:has-text("Cancel")');
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => !document.querySelector("#log")?.textContent?.includes("to be canceled"));
      await page.fill("#say [name=text]", "and this");
      await page.focus('#log .kept:has-text("to be edited") button:has-text("Edit")');
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => document.activeElement?.getAttribute("name") === "text");
      expect(await page.inputValue("#say [name=text]")).toBe("to be edited\nand this");
      isOut = false;
      await write(page, "edited");
      for (const text of ["to be sent", "edited"]) await sees(page, text);
      expect(await unsent(page)).toEqual([]);
      expect(await logged(["to be canceled", "to be edited", "to be sent", "edited"])).toEqual([
        "Hal: to be sent",
        "Hal: edited",
      ]);
      await page.context().close();
    },
    60_000,
  );
});
