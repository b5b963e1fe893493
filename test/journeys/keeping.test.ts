import { afterAll, beforeAll, expect } from "@jest/globals";
import type { BrowserContext, Page } from "playwright-core";
import request from "supertest";
import { openProxy } from "../networks/rig/proxy.ts";
import { strip } from "../networks/rig/strip.ts";
import { person } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { enterOldRoom, type OldSite, openOldSite } from "../support/old-browser.ts";
import { runCommand } from "../support/run-command.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";
import { whisper } from "../support/whisper.ts";

const browser = useBrowser();
const site = useSite();
let old: OldSite;

beforeAll(async () => {
  old = await openOldSite(site.url);
});

afterAll(() => old?.close());

/** Makes a room, and returns a function that its owner asks the site with. */
async function ownRoom(slug: string): Promise<(path: string, body: object) => Promise<request.Response>> {
  const owner = await person(site.url, `Owns ${slug}`);
  const ask = (path: string, body: object) =>
    request(site.url).post(path).set("authorization", `Bearer ${owner.token}`).send(body);
  await ask("/api/rooms", { slug }).expect(201);
  return async (path, body) => {
    const answer = await ask(`/api/rooms/${slug}/${path}`, body);
    expect([200, 201]).toContain(answer.status);
    return answer;
  };
}

/** Waits until a part of a page contains a text. */
async function shows(page: Page, selector: string, text: string): Promise<void> {
  await until(`${selector} shows ${text}`, async () => {
    const content = await page.textContent(selector).catch(() => null);
    return content?.includes(text) === true;
  });
}

browserTest(
  "the page for old browsers follows the title, the announcement, slow mode and a lock, and a ban ends its reading",
  async () => {
    const owner = await ownRoom("kept");
    const page = await (await browser.newContext({ locale: "en-US" })).newPage();
    await enterOldRoom(page, `${old.url}/rooms/kept`, "Ben");
    await owner("settings", { title: "A kept room", pinned: "Please be kind", description: "For tea" });
    await shows(page, "h1", "A kept room");
    await shows(page, "#pinned", "Please be kind");
    await shows(page, "#room-description", "For tea");
    await owner("settings", { slowSeconds: 7, locked: true });
    await shows(page, "#room-limits", "one message every 7 s");
    await shows(page, "#room-limits", "nobody new can enter");
    await owner("settings", { slowSeconds: 0, locked: false, pinned: "" });
    await page.waitForSelector("#pinned", { state: "hidden" });
    await page.waitForSelector("#room-limits", { state: "hidden" });
    const { body } = await request(site.url).get("/api/rooms/kept");
    const { id } = body.members.find(({ nickname }: { nickname: string }) => nickname === "Ben");
    await owner("bans", { member: id, act: "silence", reason: "quiet, please" });
    await page.fill("#say [name=text]", "may I?");
    await page.press("#say [name=text]", "Enter");
    await page.waitForSelector("#log .refused");
    await shows(page, "#log .refused", "silenced");
    await owner("bans", { member: id, act: "shut-out" });
    await shows(page, "#connection", "can no longer be read from here");
    await page.context().close();
  },
  60_000,
);

browserTest(
  "a link of an operator signs in one browser, and is refused in the next",
  async () => {
    const { out, code } = await runCommand(["operator", "link", "--url", site.url], {
      DATABASE_URL: site.databaseUrl,
    });
    expect(code).toBe(0);
    const link = out.trim();
    const first = await browser.newPage({ locale: "en-US" });
    await first.goto(link);
    // Programs that only look at links must not use them up.
    await shows(first, "#sign-in", "It works once.");
    await first.click("#sign-in button");
    await first.waitForSelector("#switches");
    const second = await browser.newPage({ locale: "en-US" });
    await second.goto(link);
    await second.click("#sign-in button");
    await second.waitForSelector("#problem");
    expect(await second.locator("#switches").count()).toBe(0);
    await first.reload();
    await first.waitForSelector("#switches");
    for (const page of [first, second]) await page.context().close();
  },
  60_000,
);

/** Opens a room that has a password: a wrong one is refused, the right one opens it for good. */
async function openWithPassword(context: BrowserContext, room: string): Promise<void> {
  const page = await context.newPage();
  await page.goto(`${site.url}/rooms/${room}`);
  await page.waitForSelector("#password-form");
  expect(await page.locator("#log").count()).toBe(0);
  await page.fill("#password-form [name=password]", "coffee time");
  await page.click("#password-form button");
  await page.waitForSelector("#problem, .problem, [role=alert]");
  expect(await page.locator("#log").count()).toBe(0);
  await page.fill("#password-form [name=password]", "tea time");
  await page.click("#password-form button");
  await page.waitForSelector("#log");
  await page.reload();
  await page.waitForSelector("#log");
  await page.fill("#enter [name=nickname]", "Guest");
  await page.click("#enter button");
  await page.waitForSelector("#say");
  await page.fill("#say [name=text]", "inside");
  await page.click("#say button");
  await page.waitForSelector('#log .text:text-is("inside")');
  await context.close();
}

browserTest(
  "a room with a password opens with it, and with no other",
  async () => {
    const owner = await ownRoom("secret");
    await owner("settings", { password: "tea time" });
    await openWithPassword(await browser.newContext({ locale: "en-US" }), "secret");
  },
  60_000,
);

browserTest(
  "a room with a password opens without script, too",
  { needs: ["no script"], except: { WebKit: "WebDriver does not wait for the page that a form leads to" } },
  async () => {
    await (await ownRoom("secret2"))("settings", { password: "tea time" });
    await openWithPassword(await browser.newContext({ javaScriptEnabled: false, locale: "en-US" }), "secret2");
  },
  60_000,
);

const texts = (page: Page) =>
  page.$$eval("#log .whisper .text", (all) => all.map(({ textContent }) => textContent ?? ""));

const idOf = async (nickname: string): Promise<string> => {
  const { body } = await request(site.url).get("/api/rooms/lobby");
  return body.members.find((one: { nickname: string }) => one.nickname === nickname).id;
};

browserTest(
  "every tab of a person shows each whisper once, and so does one that was opened later",
  async () => {
    const ann = await browser.sit(site.url, "Ann");
    await ann.is("live");
    const guest = await ann.page.context().newPage();
    await guest.goto(`${site.url}/rooms/lobby`);
    await guest.waitForSelector('#connection[data-state="live"]');
    const ben = await person(site.url, "Ben");
    await request(site.url).post("/api/rooms/lobby/enter").set("authorization", `Bearer ${ben.token}`).send({});
    const to = await idOf("Ann");
    const expected: string[] = [];
    for (let n = 1; n <= 5; n += 1) {
      await whisper(site.url, ben, { to, text: `for Ann ${n}` });
      expected.push(`for Ann ${n}`);
    }
    for (const page of [ann.page, guest])
      await until("the tab has all", async () => (await texts(page)).length >= 5).then(async () =>
        expect(await texts(page)).toEqual(expected),
      );
    await ann.page.close();
    await whisper(site.url, ben, { to, text: "for Ann 6" });
    await until("the other tab leads", async () => (await texts(guest)).length >= 6, 15_000);
    expect(await texts(guest)).toEqual([...expected, "for Ann 6"]);
    await guest.context().close();
  },
  60_000,
);

browserTest(
  "of two persons in two tabs of a browser, each sees the whispers of its own",
  async () => {
    const network = await openProxy(site.url, strip("cookie", "set-cookie"));
    const context = await browser.newContext({ locale: "en-US" });
    const sit = async (nickname: string) => {
      const page = await context.newPage();
      await page.goto(`${network.url}/rooms/lobby`);
      await page.fill("#enter [name=nickname]", nickname);
      await page.press("#enter [name=nickname]", "Enter");
      await page.waitForSelector("#say");
      await page.waitForSelector('#connection[data-state="live"]');
      return page;
    };
    const [cai, dan] = [await sit("Cai"), await sit("Dan")];
    const eve = await person(site.url, "Eve");
    await request(site.url).post("/api/rooms/lobby/enter").set("authorization", `Bearer ${eve.token}`).send({});
    await whisper(site.url, eve, { to: await idOf("Cai"), text: "psst Cai" });
    await whisper(site.url, eve, { to: await idOf("Dan"), text: "psst Dan" });
    for (const [page, own] of [
      [cai, "psst Cai"],
      [dan, "psst Dan"],
    ] as const) {
      await page.waitForSelector(`#log .whisper .text:text-is("${own}")`);
      expect(await texts(page)).toEqual([own]);
    }
    await cai.fill("#say [name=text]", "/w Dan between tabs");
    await cai.press("#say [name=text]", "Enter");
    await until("Dan has it", async () => (await texts(dan)).includes("between tabs"));
    expect(await texts(dan)).toEqual(["psst Dan", "between tabs"]);
    expect(await cai.evaluate(() => document.documentElement.innerHTML)).not.toContain("psst Dan");
    await context.close();
    await network.close();
  },
  60_000,
);
