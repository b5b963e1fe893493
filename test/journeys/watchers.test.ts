import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import type { BrowserContext, Page } from "playwright-core";
import request from "supertest";
import type { Running } from "../networks/rig/network.ts";
import { openProxy } from "../networks/rig/proxy.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { addScript } from "../support/change-pages.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite({ graceSeconds: 2 });
let network: Running;

beforeAll(async () => {
  network = await openProxy(site.url, addScript(KEEP_FIGURES));
});
afterAll(() => network.close());

/** Keeps every text of the figures that a page shows, from its first one on. */
const KEEP_FIGURES = `
  const kept = (window.figures = []);
  const keep = () => {
    const text = document.getElementById("people-figures")?.textContent;
    if (text && text !== kept[kept.length - 1]) kept.push(text);
  };
  new MutationObserver(keep).observe(document, { subtree: true, childList: true, characterData: true });
`;

async function openPage(context: BrowserContext, room: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${network.url}/rooms/${room}`);
  return page;
}

/** Makes a room for the running test: each engine has its own. */
async function newRoom(name: string): Promise<string> {
  const slug = `${name}-${browser.engine().toLowerCase()}`;
  await request(site.url).post("/api/rooms").send({ slug }).expect(201);
  return slug;
}

async function newPage(room: string): Promise<Page> {
  return openPage(await browser.newContext({ locale: "en-US" }), room);
}

async function enter(page: Page, nickname: string): Promise<void> {
  await page.fill("#enter [name=nickname]", nickname);
  await page.press("#enter [name=nickname]", "Enter");
  await page.waitForSelector("#say");
}

const figures = (page: Page): Promise<string[]> => page.evaluate("window.figures");

/** Waits until a page reads by a stream, and until its figures have been published after that. */
async function settles(page: Page): Promise<void> {
  await page.waitForSelector('#connection[data-transport="sse"]', { state: "attached", timeout: 30_000 });
  await page.waitForTimeout(4_000);
}

describe("the number of watchers", () => {
  browserTest(
    "is right on every page from its first moment on, and never counts a page twice",
    async () => {
      const room = await newRoom("figures");
      const ann = await newPage(room);
      await settles(ann);
      expect(await figures(ann)).toEqual(["0 here, 1 watching"]);
      await enter(ann, "Ann");
      await settles(ann);
      await until("Ann is counted", async () => (await figures(ann)).at(-1) === "1 here, 0 watching", 15_000);
      const before = await figures(ann);
      const ben = await newPage(room);
      await settles(ben);
      expect(await figures(ben)).toEqual(["1 here, 1 watching"]);
      await ben.reload();
      await settles(ben);
      expect(await figures(ben)).toEqual(["1 here, 1 watching"]);
      const tab = await openPage(ben.context(), room);
      await settles(ben);
      expect(await figures(tab)).toEqual(["1 here, 1 watching"]);
      expect((await figures(ann)).slice(before.length)).toEqual(["1 here, 1 watching"]);
      await ben.context().close();
      await until("nobody watches", async () => (await figures(ann)).at(-1) === "1 here, 0 watching", 15_000);
      await ann.context().close();
    },
    90_000,
  );

  browserTest(
    "falls by one when a watcher enters, in the moment in which the number of members grows",
    async () => {
      const room = await newRoom("entering");
      const ann = await newPage(room);
      await enter(ann, "Ann");
      await settles(ann);
      const ben = await newPage(room);
      await until("Ben is counted", async () => (await figures(ann)).at(-1) === "1 here, 1 watching", 15_000);
      const before = await figures(ann);
      await enter(ben, "Ben");
      await settles(ben);
      expect((await figures(ann)).slice(before.length)).toEqual(["2 here, 0 watching"]);
      for (const page of [ann, ben]) await page.context().close();
    },
    60_000,
  );
});
