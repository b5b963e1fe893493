import { describe, expect } from "@jest/globals";
import request from "supertest";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

const PATIENCE = { timeout: 30_000 };

describe("the lobby", () => {
  browserTest(
    "shows who came, what was said, and new rooms by itself, and leaves focus and text where they are",
    async () => {
      const room = `quiet-${browser.engine().toLowerCase()}`;
      await request(site.url).post("/api/rooms").send({ slug: room }).expect(201);
      const page = await browser.newPage({ locale: "en-US" });
      await page.goto(`${site.url}/`);
      const before = await page.locator(".room-item").count();
      const quiet = `.room-item:has(button[value="${room}"])`;
      expect(await page.textContent(`${quiet} .room-figures`)).toBe("0 here, 0 watching");
      expect(await page.textContent(`${quiet} .room-last`)).toBe("No messages yet");
      await page.fill("#enter [name=nickname]", "Half a na");
      const ann = await person(site.url, `Ann ${room}`);
      await say(site.url, ann, { text: "somebody is here", room });
      await page.waitForSelector(`${quiet} .room-figures:text-is("1 here, 0 watching")`, PATIENCE);
      await page.waitForSelector(`${quiet} .room-last time`, PATIENCE);
      expect(await page.textContent(`${quiet} .room-last`)).toMatch(/^last message \d\d:\d\d$/);
      await page.focus(`${quiet} button`);
      await request(site.url)
        .post("/api/rooms")
        .send({ slug: `茶室-${room}`, title: `Tea <b> ${room}` })
        .expect(201);
      const tea = `.room-item:has(button[value="茶室-${room}"])`;
      await page.waitForSelector(tea, PATIENCE);
      expect(await page.textContent(`${tea} .room-title`)).toBe(`Tea <b> ${room}`);
      expect(await page.getAttribute(`${tea} a`, "href")).toBe(`/rooms/${encodeURIComponent(`茶室-${room}`)}`);
      expect(await page.locator(".room-item").count()).toBe(before + 1);
      expect(await page.evaluate("document.activeElement.value")).toBe(room);
      expect(await page.inputValue("#enter [name=nickname]")).toBe("Half a na");
      await page.click(`${tea} button`);
      await page.waitForSelector("#say");
      expect(await page.textContent(".bar-title")).toBe(`Tea <b> ${room}`);
      await page.context().close();
    },
    90_000,
  );

  browserTest(
    "asks nothing while it is hidden, and at once when it is looked at",
    async () => {
      const asked: string[] = [];
      site.node.server.prependListener("request", ({ url = "" }) => {
        if (url.startsWith("/api/rooms;")) asked.push(url);
      });
      const page = await browser.newPage();
      await page.goto(`${site.url}/`);
      const hide = (is: boolean) =>
        page.evaluate((value) => {
          Object.defineProperty(document, "hidden", { configurable: true, value });
          document.dispatchEvent(new Event("visibilitychange"));
        }, is);
      await until("it has asked", () => asked.length === 1);
      await hide(true);
      // The first question is answered within 11 s.
      await page.waitForTimeout(17_000);
      expect(asked).toHaveLength(1);
      await hide(false);
      await until("it has asked again", () => asked.length > 1);
      expect([asked[0]?.includes("wait="), asked[1]?.includes("wait=")]).toEqual([true, false]);
      await page.context().close();
    },
    60_000,
  );
});
