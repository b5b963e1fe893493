import { afterAll, beforeAll, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import request from "supertest";
import { person, say, type TestPerson } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { enterOldRoom, type OldSite, openOldSite } from "../support/old-browser.ts";
import { OPERATOR_SECRET, operator } from "../support/operator.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite({ operatorSecret: OPERATOR_SECRET });
let old: OldSite;

beforeAll(async () => {
  old = await openOldSite(site.url);
});

afterAll(() => old?.close());

/** Replaces notifications by a list of those that are open, and shows them although one looks. */
const listen = (page: Page) =>
  page.evaluate(() => {
    const open = new Set<string>();
    Object.assign(window, {
      openNotifications: () => [...open],
      Notification: class {
        static permission = "granted";
        static async requestPermission(): Promise<string> {
          return "granted";
        }
        onclick = null;
        body: string;
        constructor(_title: string, { body }: { body: string }) {
          this.body = body;
          open.add(body);
        }
        close = () => open.delete(this.body);
      },
    });
    document.hasFocus = () => false;
    Object.defineProperty(document, "hidden", { configurable: true, value: true });
    window.dispatchEvent(new Event("blur"));
    document.dispatchEvent(new Event("visibilitychange"));
  });

const notifications = (page: Page) =>
  page.evaluate(() => (window as unknown as { openNotifications(): string[] }).openNotifications());

async function wantNotifications(page: Page): Promise<void> {
  await page.evaluate(() => {
    const field = document.getElementById("notify") as HTMLSelectElement;
    field.value = "all";
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

const html = (page: Page) => page.evaluate(() => document.documentElement.innerHTML);

/** Begins to answer a message, by its menu. */
async function answer(page: Page, seq: number): Promise<void> {
  const line = `#log [data-seq="${seq}"]`;
  await page.waitForSelector(line);
  await page.hover(line);
  await page.click(`${line} .menu-button`);
  await page.click('.menu button:has-text("Reply")');
  await page.waitForSelector("#task");
}

async function eraseAll({ id }: TestPerson): Promise<void> {
  await (await operator(site.url)).post("/api/operate/erase", { member: id }).expect(200);
}

browserTest(
  "an erased text and name disappear from the search, the answer, the dialog and the notification",
  async () => {
    const ben = await browser.sit(site.url, "Ben");
    const { page } = ben;
    const rude = await person(site.url, "Filthy");
    const { event } = await say(site.url, rude, "rude words one");
    await ben.sees("rude words one");
    await answer(page, event.seq);
    expect(await page.textContent("#task")).toMatch(/Filthy.*rude words one/);
    await page.click("a.search-link");
    await page.fill("#search-text", "words");
    await page.press("#search-text", "Enter");
    await page.waitForSelector("#results .result");
    await page.evaluate(() => document.querySelector<HTMLElement>(".search-back a")?.click());
    await page.hover(`#log [data-seq="${event.seq}"]`);
    await page.click(`#log [data-seq="${event.seq}"] .menu-button`);
    await page.click('.menu button:has-text("Report")');
    await page.waitForSelector("dialog .acts-who");
    await wantNotifications(page);
    await listen(page);
    await say(site.url, rude, "rude words two");
    await until("there is a notification", async () => (await notifications(page)).length === 1, 10_000);
    expect(await notifications(page)).toEqual(["Filthy: rude words two"]);
    expect(await html(page)).toMatch(/filth|rude/i);

    await (await operator(site.url)).post("/api/rooms/lobby/erase", { seq: event.seq }).expect(200);
    await page.waitForSelector(`#log [data-seq="${event.seq}"].erased`);
    await until("its text is nowhere", async () => !(await html(page)).includes("rude words one"));
    await eraseAll(rude);
    await until("nothing is left", async () => !/filth|rude/i.test(await html(page)));
    expect(await notifications(page)).toEqual([]);
    expect(await page.textContent("#task")).toContain("(erased)");
    await page.context().close();
  },
  60_000,
);

browserTest(
  "an edited text disappears from there, too",
  async () => {
    const cai = await browser.sit(site.url, "Cai");
    const { page } = cai;
    const eva = await person(site.url, "Eva");
    const { event } = await say(site.url, eva, "first words");
    await cai.sees("first words");
    await answer(page, event.seq);
    await wantNotifications(page);
    await page.click("a.search-link");
    await page.fill("#search-text", "first");
    await page.press("#search-text", "Enter");
    await page.waitForSelector("#results .result");
    await request(site.url)
      .post(`/api/rooms/lobby/messages/${event.seq}/edit`)
      .set("authorization", `Bearer ${eva.token}`)
      .send({ text: "second words" })
      .expect(201);
    await until("the former text is nowhere", async () => !(await html(page)).includes("first words"));
    expect(await page.textContent("#results")).toContain("second words");
    expect(await page.textContent("#task")).toContain("second words");
    await page.context().close();
  },
  60_000,
);

browserTest(
  "on the page for old browsers, it disappears from the answer and the notification",
  async () => {
    const page = await (await browser.newContext({ locale: "en-US" })).newPage();
    await enterOldRoom(page, `${old.url}/rooms/lobby`, "Dan");
    const rude = await person(site.url, "Dirty");
    const { event } = await say(site.url, rude, "bad words one");
    const line = `#log [data-seq="${event.seq}"]`;
    await page.waitForSelector(line);
    await page.click(`${line} .menu-button`);
    await page.locator(line).getByText("Reply", { exact: true }).click();
    expect(await page.textContent(".task")).toMatch(/Dirty.*bad words one/);
    await eraseAll(rude);
    await until("nothing is left", async () => !/dirty|bad words/i.test(await html(page)));
    expect(await page.textContent(".task")).toContain("(erased)");
    await page.context().close();
  },
  60_000,
);

browserTest(
  "an open lobby does not go on showing a text that was erased as the latest words",
  async () => {
    const fay = await person(site.url, "Fay");
    const page = await browser.newPage({ locale: "en-US" });
    const { event } = await say(site.url, fay, "words of the lobby");
    await until("the list has them", async () =>
      (await request(site.url).get("/api/rooms")).text.includes("of the lobby"),
    );
    await page.goto(site.url);
    await page.waitForSelector('.room-words:has-text("words of the lobby")');
    await until("the page waits", () => site.node.app.site.lobby.isAwaited(), 10_000);
    await (await operator(site.url)).post("/api/rooms/lobby/erase", { seq: event.seq }).expect(200);
    await until("they are gone", async () => !(await html(page)).includes("words of the lobby"));
    await page.context().close();
  },
  60_000,
);
