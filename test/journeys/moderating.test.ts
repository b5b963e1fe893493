import { describe, expect } from "@jest/globals";
import type { BrowserContext, Page } from "playwright-core";
import request from "supertest";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const SECRET = "an operator's secret of this test";

/** Chromium waits for the page that a form leads to before it goes on. */
const UNAWAITED = { WebKit: "WebDriver does not wait for the page that a form leads to" };

const browser = useBrowser();
const site = useSite({ operatorSecret: SECRET });

/** Opens a browser without script. */
const withoutScript = (): Promise<BrowserContext> => browser.newContext({ javaScriptEnabled: false, locale: "en-US" });

/** Enters a room as a person without script. */
async function enterPlain(nickname: string, room = "lobby"): Promise<Page> {
  const page = await (await withoutScript()).newPage();
  await page.goto(`${site.url}/rooms/${room}`);
  await page.fill("#enter [name=nickname]", nickname);
  await page.click("#enter button");
  await page.waitForSelector("#say");
  return page;
}

/** Sends a message with a form, and returns the text of the page that follows. */
async function sayPlain(page: Page, room: string, text: string): Promise<string> {
  await page.goto(`${site.url}/rooms/${room}`);
  await page.fill("#say [name=text]", text);
  await page.click("#say button");
  return (await page.textContent("main")) ?? "";
}

/** Waits until a part of the page that a form leads to contains a text. */
function shows(page: Page, selector: string, text: string): Promise<void> {
  return untilShown(page, { selector, text, isThere: true });
}

/** Waits until a part of the page that a form leads to lacks a text. */
function lacks(page: Page, selector: string, text: string): Promise<void> {
  return untilShown(page, { selector, text, isThere: false });
}

type Shown = { selector: string; text: string; isThere: boolean };

async function untilShown(page: Page, { selector, text, isThere }: Shown): Promise<void> {
  await until(`${selector} ${isThere ? "has" : "lacks"} ${text}`, async () => {
    const content = await page.textContent(selector).catch(() => null);
    return content !== null && content.includes(text) === isThere;
  });
}

/** Signs an operator in. */
async function signIn(page: Page): Promise<void> {
  await page.goto(`${site.url}/operate`);
  await page.fill("[name=secret]", SECRET);
  await page.click("#sign-in button");
  await page.waitForSelector("#switches");
}

/** Makes a room with the form of the lobby, and returns its page with the owner key on it. */
async function makeRoom(page: Page, title: string): Promise<string> {
  await page.goto(`${site.url}/`);
  await page.click(".lobby-make summary");
  await page.fill("#make-room [name=title]", title);
  await page.click("#make-room button");
  await page.waitForSelector("#owner-key");
  return page.inputValue("#owner-key input");
}

describe("without script", () => {
  browserTest(
    "the maker of a room gets its key once, and another browser claims the room with it",
    { needs: ["no script"], except: UNAWAITED },
    async () => {
      const maker = await (await withoutScript()).newPage();
      const key = await makeRoom(maker, "Kept");
      await maker.reload();
      expect(await maker.locator("#owner-key").count()).toBe(0);
      const other = await enterPlain("Olga", "kept");
      await other.goto(`${site.url}/rooms/kept/claim`);
      await other.fill("[name=key]", "not the key");
      await other.click("#claim button");
      await shows(other, "#problem", "owner key");
      await other.fill("[name=key]", key);
      await other.click("#claim button");
      await other.waitForSelector("#room-settings");
      await other.fill("#room-settings [name=description]", "What this room is for");
      await other.fill("[name=pinned]", "Please be kind");
      await other.fill("[name=slowSeconds]", "7");
      await other.click("#room-settings button[name=save]");
      await shows(other, ".done", "Saved.");
      await maker.goto(`${site.url}/rooms/kept`);
      const state = (await maker.textContent("#room-state")) ?? "";
      for (const shown of ["What this room is for", "Please be kind", "one message every 7 s"])
        expect(state).toContain(shown);
      await maker.context().close();
      await other.context().close();
    },
  );
});

describe("without script, an owner", () => {
  browserTest(
    "appoints a moderator, who erases, silences, removes and shuts out, and lifts it again",
    { needs: ["no script"], except: UNAWAITED },
    async () => {
      const owner = await enterPlain("Otto");
      await makeRoom(owner, "Moderated");
      const room = "moderated";
      const mod = await enterPlain("Mona", room);
      const bad = await enterPlain("Bad", room);
      await sayPlain(bad, room, "bad words one");
      await sayPlain(bad, room, "bad words two");
      await sayPlain(bad, room, "bad words three");

      await owner.goto(`${site.url}/rooms/${room}/people`);
      await owner.click('.person:has-text("Mona") a.act');
      await owner.click('button[name=role][value="moderator"]');
      await shows(owner, ".done", "The role was changed.");

      // A visitor reports a message, and the moderator sees it and its reason.
      const reader = await enterPlain("Rita", room);
      await openActs(reader, room, "bad words one");
      await reader.fill("#report [name=reason]", "rude");
      await reader.click("#report button");
      await shows(reader, ".done", "Reported. Thank you.");
      await mod.goto(`${site.url}/rooms/${room}/moderation`);
      expect(await mod.textContent("#reports")).toMatch(/Bad[\s\S]*bad words one[\s\S]*rude/);
      await mod.click("#reports a.button");
      await mod.click("#erase button");
      await shows(mod, ".done", "The message was erased.");
      await mod.goto(`${site.url}/rooms/${room}/moderation`);
      await mod.click("#reports button[name=handled]");
      await shows(mod, "#reports", "No reports.");

      await banPlain(mod, room, { ban: "silence", reason: "quiet, please" });
      expect(await sayPlain(bad, room, "may I?")).toContain("moderator has silenced you");
      await mod.goto(`${site.url}/rooms/${room}/moderation`);
      await shows(mod, "#bans", "quiet, please");
      await mod.click("#bans button[name=lift]");
      await shows(mod, "#bans", "Nobody.");
      expect(await sayPlain(bad, room, "thank you")).not.toContain("silenced");

      await banPlain(mod, room, { ban: "remove", reason: "" });
      await mod.goto(`${site.url}/rooms/${room}/people`);
      await lacks(mod, "#people-page", "Bad");
      await bad.goto(`${site.url}/rooms/${room}`);
      await bad.fill("#enter-again [name=nickname]", "Bad");
      await bad.click("#enter-again button");
      await bad.waitForSelector("#say");

      await openActs(mod, room, "bad words two");
      await mod.click("#erase-all button");
      expect(await mod.textContent(".done")).toMatch(/^[2-4] messages were erased\.$/);
      await mod.goto(`${site.url}/rooms/${room}`);
      await lacks(mod, "#log", "bad words");

      await mod.goto(`${site.url}/rooms/${room}/people`);
      await mod.click('.person:has-text("(erased)") a.act');
      await fillBan(mod, { ban: "shut-out", reason: "enough" });
      await bad.goto(`${site.url}/rooms/${room}`);
      await shows(bad, "main", "moderator has shut you out");
      await mod.goto(`${site.url}/rooms/${room}/moderation`);
      const log = (await mod.textContent("#moderation-log")) ?? "";
      for (const entry of ["erased", "silenced", "silence lifted", "removed", "shut out", "report handled"])
        expect(log).toContain(entry);
      for (const page of [owner, mod, bad, reader]) await page.context().close();
    },
    60_000,
  );
});

browserTest(
  "a page whose reader may no longer read says so, and is live again when they may",
  async () => {
    const owner = await person(site.url, "Olga");
    const as = (path: string, body: object) =>
      request(site.url).post(path).set("authorization", `Bearer ${owner.token}`).send(body);
    await as("/api/rooms", { slug: "closing" }).expect(201);
    const page = await browser.newPage({ locale: "en-US" });
    await page.goto(`${site.url}/rooms/closing`);
    await page.waitForSelector('#connection[data-state="live"]');
    await as("/api/rooms/closing/settings", { mayRead: "moderators" }).expect(200);
    await page.waitForSelector('#connection:has-text("can no longer be read from here") a:has-text("Reload")');
    await as("/api/rooms/closing/settings", { mayRead: "everyone" }).expect(200);
    await page.waitForSelector('#connection[data-state="live"]:has-text("Live")', { timeout: 60_000 });
    await page.context().close();
  },
  90_000,
);

describe("an operator without script", () => {
  browserTest(
    "signs in, sees the site, and erases, silences, removes and shuts out, by forms",
    { needs: ["no script"], except: UNAWAITED },
    async () => {
      const bad = await enterPlain("Bad");
      for (const text of ["bad words one", "bad words two", "bad words three"]) await sayPlain(bad, "lobby", text);
      const reader = await enterPlain("Rita");
      await openActs(reader, "lobby", "bad words one");
      expect(await reader.locator("form.act-form").count()).toBe(1);
      await reader.fill("#report [name=reason]", "rude");
      await reader.click("#report button");
      await shows(reader, ".done", "Reported. Thank you.");

      const page = await (await withoutScript()).newPage();
      await page.goto(`${site.url}/operate`);
      expect(await page.locator("#switches").count()).toBe(0);
      await page.fill("[name=secret]", "wrong");
      await page.click("#sign-in button");
      await page.waitForSelector("#problem");
      await signIn(page);
      await shows(page, "#operated-rooms", "Lobby");
      await shows(page, "#networks", "Rita");
      expect(await page.locator("#activity svg").count()).toBe(2);
      await page.click("#activity summary");
      expect(await page.locator("#activity tbody tr").count()).toBe(24);
      expect(await page.textContent("#reports")).toMatch(/Bad[\s\S]*bad words one[\s\S]*rude/);
      await page.click("#reports a.button");
      await page.waitForSelector("#erase");
      await page.click("#erase button");
      await shows(page, ".done", "The message was erased.");
      await page.goto(`${site.url}/operate`);
      await page.click("#reports button[name=handled]");
      await shows(page, "#reports", "No reports.");

      await page.check("[name=readOnly]");
      await page.click("#switches button");
      await page.waitForSelector("#switches.alarm");
      expect(await page.isChecked("[name=readOnly]")).toBe(true);
      await page.uncheck("[name=readOnly]");
      await page.click("#switches button");
      await page.waitForSelector("#switches:not(.alarm)");

      await openActs(page, "lobby", "bad words two");
      await fillBan(page, { ban: "silence", reason: "quiet, please" });
      await page.goto(`${site.url}/rooms/lobby/moderation`);
      await shows(page, "#bans", "quiet, please");
      await page.click("#bans button[name=lift]");
      await shows(page, "#bans", "Nobody.");
      await openActs(page, "lobby", "bad words two");
      await fillBan(page, { ban: "remove", reason: "" });
      await page.goto(`${site.url}/rooms/lobby/people`);
      await lacks(page, "#people-page", "Bad");
      await openActs(page, "lobby", "bad words two");
      await page.waitForSelector("#erase-all");
      await page.click("#erase-all button");
      await shows(page, ".done", "2 messages were erased.");
      await page.goto(`${site.url}/rooms/lobby`);
      await lacks(page, "#log", "bad words");

      await page.goto(`${site.url}/operate`);
      await page.click("#networks a.button");
      await shows(page, "main", "people are in this network now");
      await page.selectOption("#ban [name=ban]", "silence");
      await page.fill("#ban [name=reason]", "a raid");
      await page.click("#ban button");
      await shows(page, "#bans", "a raid");
      await page.click('#bans tr:has-text("a raid") button[name=lift]');
      await lacks(page, "#bans", "a raid");
      const log = (await page.textContent("#moderation-log")) ?? "";
      for (const entry of ["erased", "silenced", "silence lifted", "removed", "report handled", "emergency switch"])
        expect(log).toContain(entry);
      await page.click("header button");
      await page.waitForSelector("#sign-in");
      for (const one of [page, bad, reader]) await one.context().close();
    },
    60_000,
  );
});

describe("on the page with its script", () => {
  browserTest("a reader reports a message in a dialog, and an operator erases it by its menu", async () => {
    const { page } = await browser.sit(site.url, "Mia");
    await signIn(page);
    await page.goto(`${site.url}/rooms/lobby`);
    const { page: reader, is } = await browser.sit(site.url, "Rob");
    await is("live");
    const { event } = await say(site.url, await person(site.url, "Bert"), "rude words");
    const line = `#log [data-seq="${event.seq}"]`;
    await reader.waitForSelector(line);
    await reader.hover(line);
    await reader.click(`${line} .menu-button`);
    await reader.click('.menu button:has-text("Report")');
    await reader.fill("dialog #report [name=reason]", "rude");
    await reader.click("dialog #report button");
    await reader.waitForSelector("dialog .done");
    await reader.click("dialog .to-room");
    await until("the dialog is closed", async () => (await reader.locator("dialog").count()) === 0);

    await page.waitForSelector(line);
    await page.hover(line);
    await page.click(`${line} .menu-button`);
    await page.click('.menu button:has-text("Moderate")');
    await page.waitForSelector("dialog #ban");
    await page.keyboard.press("Escape");
    await page.click(`${line} .menu-button`);
    await page.click('.menu button:has-text("Erase")');
    await page.click('.menu button:has-text("Erase for everyone?")');
    await reader.waitForSelector(`${line}.erased`);
    // Without anything to say, the room takes no line of the page for that.
    expect(await reader.evaluate(() => document.getElementById("room-state")?.offsetHeight)).toBe(0);
    const settings = await page.context().newPage();
    await settings.goto(`${site.url}/rooms/lobby/settings`);
    await settings.fill("[name=pinned]", "Welcome, all");
    await settings.check("[name=locked]");
    await settings.click("#room-settings button[name=save]");
    await settings.waitForSelector(".done");
    await shows(reader, "#pinned", "Welcome, all");
    await shows(reader, "#room-limits", "nobody new can enter");
    for (const one of [page, reader]) await one.context().close();
  });
});

/** Opens the page of a message by its link. */
async function openActs(page: Page, room: string, text: string): Promise<void> {
  const { body } = await request(site.url).get(`/api/rooms/${room}/messages`).expect(200);
  const { seq } = body.events.find((event: { text?: string }) => event.text === text);
  await page.goto(`${site.url}/rooms/${room}/${seq}/acts`);
}

async function fillBan(page: Page, { ban, reason }: { ban: string; reason: string }): Promise<void> {
  await page.selectOption("#ban [name=ban]", ban);
  await page.fill("#ban [name=reason]", reason);
  await page.click("#ban button");
  await shows(page, ".done", "Done.");
}

/** Bans the author of "bad words two". */
async function banPlain(page: Page, room: string, asked: { ban: string; reason: string }): Promise<void> {
  await openActs(page, room, "bad words two");
  await fillBan(page, asked);
}
