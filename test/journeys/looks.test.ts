import { beforeAll, describe, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import request from "supertest";
import { person, say, type TestPerson } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

const HEBREW = "שלום, מה שלומך?";
const TOWER = `te\u0336x\u0336t${"\u0301".repeat(60)}${"\u0316".repeat(60)}`;
const LONG_NAME = "W".repeat(20);
const SMALL_PHONE = { viewport: { width: 320, height: 640 }, locale: "ja-JP" };

let long: TestPerson;

beforeAll(async () => {
  const hebrew = await person(site.url, "דוד");
  long = await person(site.url, `${LONG_NAME}#long secret`);
  await say(site.url, hebrew, HEBREW);
  await say(site.url, long, "below the right-to-left message");
}, 30_000);

/** Opens the lobby's page and waits until the script reads. */
async function watch(options = {}): Promise<Page> {
  const page = await browser.newPage({ locale: "en-US", ...options });
  await page.goto(`${site.url}/rooms/lobby`);
  await page.waitForSelector('#connection[data-state="live"]');
  return page;
}

const directionsOf = (page: Page, selector: string) =>
  page.locator(selector).evaluateAll((all) => all.map((one) => getComputedStyle(one).direction));

describe("the direction of a text", () => {
  browserTest(
    "is its own in the log, on the server's page and from the script, and in the list of people",
    async () => {
      const page = await watch();
      const guest = await person(site.url, "שרה");
      await say(site.url, guest, "שלום!");
      await page.waitForSelector('#log .text:text-is("שלום!")');
      const rtl = '#log .line:has(.text:text-matches("שלום")) ';
      expect(await directionsOf(page, `${rtl} .text, ${rtl} .nickname`)).toEqual(Array(4).fill("rtl"));
      expect(await directionsOf(page, '#members .nickname:text-matches("[א-ת]")')).toEqual(["rtl", "rtl"]);
      expect(await directionsOf(page, '#log .text:text-is("below the right-to-left message")')).toEqual(["ltr"]);
      await page.context().close();
    },
  );

  browserTest("is its own in the field, from the first letter on", async () => {
    const { page } = await browser.sit(site.url, "Writer");
    expect(await directionsOf(page, "#text")).toEqual(["ltr"]);
    await page.fill("#text", HEBREW);
    expect(await directionsOf(page, "#text")).toEqual(["rtl"]);
    await page.context().close();
  });
});

browserTest("a tower of combining marks covers nothing of the lines above and below", async () => {
  const page = await watch();
  for (const text of ["above", TOWER, "below"]) await say(site.url, long, text);
  await page.waitForSelector('#log .text:text-is("below")');
  const around = async () => {
    const pictures = [];
    for (const text of ["above", "below"])
      pictures.push(await page.locator(`#log .text:text-is("${text}")`).screenshot({ animations: "disabled" }));
    return pictures.map((picture) => picture.toString("base64"));
  };
  const covered = await around();
  await page.evaluate(() => {
    const texts = [...document.querySelectorAll("#log .text")];
    const text = texts.find((one) => one.textContent?.includes("\u0316\u0316"));
    if (text) text.textContent = "text";
  });
  expect(await page.locator('#log .text:text-is("text")').count()).toBe(1);
  expect(await around()).toEqual(covered);
  await page.context().close();
});

browserTest("on a screen of 320 px nothing in the log or the list of people leaves it sideways", async () => {
  const page = await watch(SMALL_PHONE);
  await page.click(".people summary");
  await page.waitForSelector(`#members .nickname:text-is("${LONG_NAME}")`);
  const wide = await page.evaluate(() =>
    [...document.querySelectorAll("#scroll, #log *, #members, #members *")]
      .filter((one) => one.getBoundingClientRect().right > innerWidth || (one.id && one.scrollWidth > one.clientWidth))
      .map((one) => one.outerHTML),
  );
  expect(wide).toEqual([]);
  await page.context().close();
});

browserTest("three people with long names who type cover no message", async () => {
  const page = await watch(SMALL_PHONE);
  for (const letter of ["M", "N", "O"]) {
    const { token } = await person(site.url, letter.repeat(20));
    const headers = { authorization: `Bearer ${token}` };
    await request(site.url).post("/api/rooms/lobby/enter").set(headers).expect(200);
    await request(site.url).post("/api/rooms/lobby/typing").set(headers).expect(200);
  }
  await page.waitForFunction(() => document.querySelectorAll("#typing bdi").length === 3);
  const [text, typing] = await page.evaluate(() => {
    const last = document.querySelector("#log")?.lastElementChild as Element;
    return [last, document.querySelector("#typing") as Element].map((one) => one.getBoundingClientRect().toJSON());
  });
  expect(typing.top).toBeGreaterThanOrEqual(text.bottom);
  expect(typing.right).toBeLessThanOrEqual(320);
  expect(await page.textContent("#typing")).toMatch(/入力中…$/);
  await page.context().close();
});

browserTest("names and trips are not translated by the browser", async () => {
  const page = await watch();
  await page.waitForSelector("#members .trip:not(:empty)");
  const marks = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>(".nickname, .trip")].map((mark) => mark.translate),
  );
  expect(marks.length).toBeGreaterThan(4);
  expect(marks).not.toContain(true);
  await page.context().close();
});

browserTest("the colors to choose from stay eight where the system replaces colors, and have titles", async () => {
  const page = await browser.newPage({ forcedColors: "active" });
  await page.goto(site.url);
  const colors = await page
    .locator(".swatch")
    .evaluateAll((all) => all.map((one) => getComputedStyle(one, "::before").backgroundColor));
  expect(new Set(colors).size).toBe(8);
  expect(await page.locator('.swatch[title=""], .swatch:not([title])').count()).toBe(0);
  await page.context().close();
});
