import { describe, expect } from "@jest/globals";
import request from "supertest";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

const PATIENCE = { timeout: 30_000 };
const UNREADABLE = "a test cannot read its clipboard";

describe("a new room", () => {
  browserTest(
    "gets an address while its title is typed, is empty with helpful words, and is left for another by its menu",
    async () => {
      const { page } = await browser.sit(site.url, `Maker ${browser.engine()}`);
      await page.goto(`${site.url}/`);
      await page.click(".lobby-make summary");
      await page.fill("#room-title", `Tea for ${browser.engine()} 茶`);
      const slug = `tea-for-${browser.engine().toLowerCase()}-茶`;
      expect(await page.inputValue("#room-slug")).toBe(slug);
      await page.check('#make-room [value="0"]');
      expect(await page.inputValue("#room-slug")).toBe("");
      await page.check('#make-room [value="words"]');
      await page.click("#make-room button");
      await page.waitForSelector("#empty-room");
      expect(await page.inputValue("#invitation")).toBe(`${site.url}/rooms/${encodeURIComponent(slug)}`);
      await page.click("#room-menu summary");
      await page.waitForSelector('#own-rooms a[data-slug="lobby"]');
      await page.press("#room-menu summary", "Escape");
      expect(await page.evaluate(() => document.querySelector<HTMLDetailsElement>("#room-menu")?.open)).toBe(false);
      await say(site.url, await person(site.url, `First ${browser.engine()}`), { text: "first", room: slug });
      await page.waitForSelector("#log .message", PATIENCE);
      await page.waitForFunction(() => document.querySelector("#empty-room") === null);
      await page.click("#room-menu summary");
      await page.click('#own-rooms a[data-slug="lobby"]');
      await page.waitForFunction(() => location.pathname === "/rooms/lobby");
      await page.context().close();
    },
    90_000,
  );

  browserTest(
    "has an address that a button copies, and says so",
    { except: { Firefox: UNREADABLE, WebKit: UNREADABLE } },
    async () => {
      const { page } = await browser.sit(site.url, `Copier ${browser.engine()}`);
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await page.click("#room-menu summary");
      await page.click("#room-menu .share-button");
      await page.waitForSelector('#room-menu .share-button:text-is("Copied")');
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`${site.url}/rooms/lobby`);
      await page.context().close();
    },
  );
});

describe("a room that allows silent entry", () => {
  browserTest(
    "shows a person who entered silently in everybody's list, and no line",
    async () => {
      const slug = `hush-${browser.engine().toLowerCase()}`;
      await request(site.url).post("/api/rooms").send({ slug, silent: true }).expect(201);
      const reader = await browser.newPage({ locale: "en-US" });
      await reader.goto(`${site.url}/rooms/${slug}`);
      await reader.waitForSelector('#connection[data-state="live"]');
      const page = await browser.newPage({ locale: "en-US" });
      await page.goto(`${site.url}/rooms/${slug}`);
      await page.fill("#enter [name=nickname]", `Quiet ${browser.engine()}`);
      await page.check("#enter [name=silent]");
      await page.click("#enter button[type=submit]");
      await page.waitForSelector("#say");
      for (const one of [page, reader])
        await one.waitForSelector(`#members .nickname:text-is("Quiet ${browser.engine()}")`, {
          state: "attached",
          ...PATIENCE,
        });
      expect(await reader.locator("#log .line").count()).toBe(0);
      await page.click(".leave button");
      await reader.waitForFunction(() => document.querySelector("#members li") === null, undefined, PATIENCE);
      expect(await reader.locator("#log .line").count()).toBe(0);
      await reader.context().close();
      await page.context().close();
    },
    90_000,
  );
});
