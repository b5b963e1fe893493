import { describe, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import request from "supertest";
import { person, say, type TestPerson } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

const active = (page: Page) => page.evaluate(() => document.activeElement?.className || document.activeElement?.id);
const field = (page: Page) => page.inputValue("#text");
const texts = (page: Page) =>
  page.evaluate(() => [...document.querySelectorAll("#log .message .text")].map(({ textContent }) => textContent));
const lineOf = (seq: number) => `#log [data-seq="${seq}"]`;

/** Presses keys one after the other, wherever the focus is. */
async function press(page: Page, ...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

describe("names", () => {
  browserTest("are put into the field by click and by key, and completed by Tab", async () => {
    const [anna, anton] = [await person(site.url, "Anna"), await person(site.url, "anton")];
    await say(site.url, anna, "first");
    await say(site.url, anton, "second");
    const { page, is } = await browser.sit(site.url, "Nina");
    await is("live");
    await page.click('#log .nickname:text-is("Anna")');
    expect(await field(page)).toBe("@Anna ");
    await page.focus('#members .nickname:text-is("anton")');
    await press(page, "Enter");
    expect([await field(page), await active(page)]).toEqual(["@Anna @anton ", "say-text"]);
    await page.fill("#text", "hi, an");
    await press(page, "Tab");
    // The last one to write is the likeliest one.
    expect(await field(page)).toBe("hi, @anton ");
    await page.waitForSelector('#announcer p:text-is("@anton, 1 of 2")');
    await press(page, "Tab");
    expect(await field(page)).toBe("hi, @Anna ");
    await press(page, "Shift+Tab");
    expect(await field(page)).toBe("hi, @anton ");
    await press(page, "Escape");
    expect([await field(page), await active(page)]).toEqual(["hi, an", "say-text"]);
    await press(page, "Tab");
    expect(await active(page)).not.toBe("say-text");
    await page.fill("#text", "");
    await page.focus("#text");
    await press(page, "Tab");
    expect(await active(page)).not.toBe("say-text");
    await page.context().close();
  });
});

describe("one's own messages", () => {
  browserTest("are marked, and the arrow up brings them back into an empty field", async () => {
    const nora = await browser.sit(site.url, "Nora");
    const { page } = nora;
    for (const text of ["one", "two\nlines"]) {
      await nora.say(text);
      await nora.sees(text);
    }
    expect(await page.locator("#log .own").count()).toBe(2);
    expect(await page.locator("#members .own .you").count()).toBe(1);
    await page.reload();
    await page.waitForSelector('#connection[data-state="live"]');
    expect(await page.locator("#log .own").count()).toBe(2);
    await page.focus("#text");
    await press(page, "ArrowUp");
    expect(await field(page)).toBe("two\nlines");
    await press(page, "ArrowUp", "ArrowUp");
    expect(await field(page)).toBe("one");
    await press(page, "ArrowDown", "ArrowDown", "ArrowDown");
    expect(await field(page)).toBe("");
    await page.fill("#text", "begun");
    await press(page, "ArrowUp");
    expect(await field(page)).toBe("begun");
    await page.context().close();
  });
});

describe("ignoring", () => {
  browserTest("hides a person's messages in all tabs, by keyboard, and by trip", async () => {
    const [bad, good] = [await person(site.url, "Bad#12345678"), await person(site.url, "Good")];
    const before = await say(site.url, bad, "bad before");
    const user = await browser.sit(site.url, "Reader");
    const { page } = user;
    const other = await page.context().newPage();
    await other.goto(page.url());
    await other.waitForSelector('#connection[data-state="live"]');
    expect(await texts(page)).toContain("bad before");
    // The Tab key stops at the newest message; the arrow leads to the ones before.
    await page.bringToFront(); // Firefox clicks a button by Enter only in the tab in front
    await page.focus("#text");
    await press(page, "Shift+Tab");
    await until("the focus is on the newest message", async () => (await active(page)) === "menu-button");
    await press(page, "Enter");
    await page.waitForSelector("#log .menu");
    expect(await page.getAttribute(`${lineOf(before.event.seq)} .menu-button`, "aria-expanded")).toBe("true");
    await press(page, "Escape");
    expect([await active(page), await page.locator(".menu").count()]).toEqual(["menu-button", 0]);
    await press(page, "Enter", "End", "Enter");
    for (const tab of [page, other]) await tab.waitForSelector("#ignored", { state: "attached" });
    const quiet = (tab: Page) =>
      until("nothing of the ignored person is on the page", async () => {
        const log = await tab.evaluate(() => document.getElementById("log")?.textContent ?? "");
        return !/bad/i.test(log);
      });
    await quiet(page);
    await quiet(other);
    const act = (who: TestPerson, what: string) =>
      request(site.url).post(`/api/rooms/lobby/${what}`).set("authorization", `Bearer ${who.token}`).expect(200);
    // Another member, who can only be known by the trip.
    await act(bad, "leave");
    const again = await person(site.url, "Bad#12345678");
    expect(again.id).not.toBe(bad.id);
    await say(site.url, again, "bad live");
    await act(again, "typing");
    await say(site.url, good, "good");
    await user.sees("good");
    await quiet(page);
    expect(await page.textContent("#typing")).toBe("");
    expect(await page.textContent("#announcer")).not.toContain("bad");
    await page.reload();
    await user.sees("good");
    await quiet(page);
    expect((await user.wholeLog()).seqs.length).toBeGreaterThan(3);
    await other.evaluate(() => document.querySelector<HTMLElement>("#ignored button")?.click());
    await page.waitForSelector('#log .text:text-is("bad live")');
    expect(await texts(page)).toContain("bad before");
    expect(await page.locator("#ignored").count()).toBe(0);
    await page.context().close();
  });

  browserTest("begins and ends in the menu of a person in the list, by pointer", async () => {
    const bob = await person(site.url, "Listed");
    await say(site.url, bob, "from the list");
    const { page } = await browser.sit(site.url, "Pointer");
    const item = page.locator('#members .person:has(.nickname:text-is("Listed"))');
    for (const shown of [0, 1]) {
      await item.locator(".menu-button").click();
      await item.locator(".ignore").click();
      await until(
        "the message follows",
        async () => (await page.locator('#log .text:text-is("from the list")').count()) === shown,
      );
      expect(await page.locator(".menu").count()).toBe(0);
    }
    await page.context().close();
  });

  browserTest("lasts as long as the page where site data is blocked", { needs: ["init scripts"] }, async () => {
    const bob = await person(site.url, "Forgotten");
    const context = await browser.newContext({ locale: "en-US" });
    await context.addInitScript(() => {
      Object.defineProperty(window, "localStorage", {
        get() {
          throw new Error("blocked");
        },
      });
    });
    const page = await context.newPage();
    await page.goto(`${site.url}/rooms/lobby`);
    await page.waitForSelector('#connection[data-state="live"]');
    const first = await say(site.url, bob, "one of the forgotten");
    await page.click(`${lineOf(first.event.seq)} .menu-button`);
    await page.click(".menu .ignore");
    const second = await say(site.url, bob, "two of the forgotten");
    await page.waitForSelector(lineOf(second.event.seq), { state: "attached" });
    expect(await page.textContent("#log")).not.toContain("of the forgotten");
    await context.close();
  });
});

describe("the help", () => {
  browserTest("is shown by /help and closed by Escape, and nothing is sent", async () => {
    const user = await browser.sit(site.url, "Helpless");
    const { page } = user;
    await user.say("/help");
    await page.waitForSelector("#help", { state: "visible" });
    expect(await page.textContent("#help")).toContain("/help");
    await press(page, "Escape");
    await page.waitForSelector("#help", { state: "hidden" });
    expect(await active(page)).toBe("say-text");
    expect(await texts(page)).not.toContain("/help");
    await page.context().close();
  });
});

/** Opens the menu of a line and chooses an item. */
async function choose(page: Page, line: string, ...items: string[]): Promise<void> {
  await page.click(`${line} .menu-button`);
  for (const item of items) await page.click(`.menu button:text-is("${item}")`);
}

describe("a message's menu", () => {
  browserTest("answers with a quote, which leads to the message", async () => {
    const bob = await person(site.url, "Asked");
    const question = await say(site.url, bob, "what is the time?");
    const user = await browser.sit(site.url, "Answerer");
    const { page } = user;
    await user.is("live");
    await choose(page, lineOf(question.event.seq), "Reply");
    expect(await active(page)).toBe("say-text");
    expect(await page.textContent("#task")).toContain("Asked");
    await press(page, "Escape");
    expect(await page.locator("#task").count()).toBe(0);
    await choose(page, lineOf(question.event.seq), "Reply");
    await user.say("tea time");
    await user.sees("tea time");
    expect(await page.locator("#task").count()).toBe(0);
    const quote = "#log .own .quote";
    await page.waitForFunction((css) => document.querySelector(css)?.textContent?.includes("what is the time?"), quote);
    expect(await page.getAttribute(quote, "href")).toBe(`/rooms/lobby/${question.event.seq}`);
    await page.click(quote);
    await page.waitForSelector(`${lineOf(question.event.seq)}.marked`);
    // The words of a person who is ignored are not quoted.
    await choose(page, lineOf(question.event.seq), "Ignore Asked");
    await page.waitForFunction((css) => !document.querySelector(css)?.textContent?.includes("time?"), quote);
    await page.context().close();
  });

  browserTest("edits and erases one's own message, and keeps what was being written", async () => {
    const friend = await browser.sit(site.url, "Witness");
    const user = await browser.sit(site.url, "Editor");
    const { page } = user;
    await user.say("a mistkae");
    await user.sees("a mistkae");
    await page.fill("#text", "half written");
    await choose(page, "#log .own", "Edit");
    expect(await field(page)).toBe("a mistkae");
    await press(page, "Escape");
    expect(await field(page)).toBe("half written");
    await choose(page, "#log .own", "Edit");
    await page.fill("#text", "a mistake");
    await press(page, "Enter");
    await friend.sees("a mistake");
    await user.sees("a mistake");
    await until("the draft is back", async () => (await field(page)) === "half written");
    await choose(page, "#log .own", "Erase", "Erase for everyone?");
    for (const reader of [friend, user]) await reader.page.waitForSelector("#log .erased");
    expect(await texts(friend.page)).not.toContain("a mistake");
    await page.click("#log .own .menu-button");
    expect(await page.locator('.menu button:text-is("Edit")').count()).toBe(0);
    await page.context().close();
    await friend.page.context().close();
  });
});

describe("another name and color", () => {
  browserTest("are chosen at one's own name, and all readers see them", async () => {
    const friend = await browser.sit(site.url, "Onlooker");
    const user = await browser.sit(site.url, "Former");
    const { page } = user;
    await user.is("live");
    await page.focus("#members .own .nickname");
    await press(page, "Enter");
    await page.waitForSelector("#rename");
    expect(await page.inputValue("#rename [name=nickname]")).toBe("Former");
    await page.fill("#rename [name=nickname]", "Onlooker");
    await press(page, "Enter");
    await page.waitForSelector("#rename .problem");
    await page.fill("#rename [name=nickname]", "Latter");
    await press(page, "Enter");
    for (const reader of [friend, user])
      await reader.page.waitForSelector('#members .nickname:text-is("Latter")', { state: "attached" });
    expect([await page.locator("#rename").count(), await active(page)]).toEqual([0, "say-text"]);
    await user.say("under my new name");
    await friend.page.waitForSelector(
      '#log .message:has(.text:text-is("under my new name")) .nickname:text-is("Latter")',
    );
    await page.context().close();
    await friend.page.context().close();
  });
});
