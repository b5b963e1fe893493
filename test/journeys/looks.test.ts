import { describe, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import request from "supertest";
import { person, say, type TestPerson } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

const HEBREW = "שלום, מה שלומך?";
const TOWER = `e${"\u0301".repeat(60)} e${"\u0323".repeat(60)}`;
const SMALL_PHONE = { viewport: { width: 320, height: 640 }, locale: "ja-JP" };

let names = 0;

/** Opens a session under a name that nobody used before: letters, and a number. */
async function someone(letters: string, secret = ""): Promise<TestPerson> {
  names += 1;
  const nickname = `${letters}${10 + names}`;
  return { ...(await person(site.url, nickname + secret)), nickname };
}

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
      const guest = await someone("שרה");
      await say(site.url, guest, HEBREW);
      const page = await watch();
      await say(site.url, guest, "שלום!");
      await say(site.url, guest, "left to right");
      await page.waitForSelector('#log .text:text-is("left to right")');
      for (const text of [HEBREW, "שלום!"])
        expect(new Set(await directionsOf(page, `#log .text:text-is("${text}")`))).toEqual(new Set(["rtl"]));
      expect(await directionsOf(page, `#members .nickname:text-is("${guest.nickname}")`)).toEqual(["rtl"]);
      expect(await directionsOf(page, '#log .text:text-is("left to right")')).toContain("ltr");
      await page.context().close();
    },
  );

  browserTest("is that of each line in a message of several", async () => {
    await say(site.url, await someone("Both"), `${HEBREW}\nleft to right`);
    const page = await watch();
    const [hebrew, english] = await page.evaluate(() => {
      const text = [...document.querySelectorAll("#log .text")].findLast((one) => one.textContent?.includes("\n"));
      const node = text?.firstChild as Text;
      const { left, right } = (text as Element).getBoundingClientRect();
      return [0, node.data.indexOf("\n") + 1].map((at) => {
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + 1);
        const { x } = range.getBoundingClientRect();
        return x - left < right - x ? "left" : "right";
      });
    });
    expect([hebrew, english]).toEqual(["right", "left"]);
    await page.context().close();
  });

  browserTest("is its own in the field, from the first letter on", async () => {
    const { page } = await browser.sit(site.url, `Writer ${browser.engine()}`);
    expect(await directionsOf(page, "#text")).toEqual(["ltr"]);
    await page.fill("#text", HEBREW);
    expect(await directionsOf(page, "#text")).toEqual(["rtl"]);
    await page.context().close();
  });
});

browserTest(
  "a tower of combining marks covers nothing of the lines above and below",
  { except: { WebKit: "WebDriver takes no picture of one element" } },
  async () => {
    const page = await watch();
    const author = await someone("Tower");
    for (const text of ["above", TOWER, "below"]) await say(site.url, author, text);
    await page.waitForSelector('#log .text:text-is("below")');
    const around = async () => {
      const pictures = [];
      for (const text of ["above", "below"])
        pictures.push(await page.locator(`#log .text:text-is("${text}")`).last().screenshot());
      return pictures.map((picture) => picture.toString("base64"));
    };
    const covered = await around();
    const replaced = await page.evaluate(() => {
      const texts = [...document.querySelectorAll("#log .text")];
      const text = texts.findLast((one) => one.textContent?.includes("\u0323\u0323"));
      if (text) text.textContent = "text";
      return text !== undefined;
    });
    expect(replaced).toBe(true);
    expect(await around()).toEqual(covered);
    await page.context().close();
  },
);

browserTest("on a screen of 320 px nothing in the log or the list of people leaves it sideways", async () => {
  const author = await someone("W".repeat(18), "#long secret");
  await say(site.url, author, `${"x".repeat(300)} ${"\ufdfd".repeat(20)}`);
  const page = await watch(SMALL_PHONE);
  await page.click(".people summary");
  await page.waitForSelector(`#members .nickname:text-is("${author.nickname}")`);
  const wide = await page.evaluate(() =>
    [...document.querySelectorAll("#scroll, #log *, #members, #members *")]
      .filter((one) => one.getBoundingClientRect().right > innerWidth || (one.id && one.scrollWidth > one.clientWidth))
      .map((one) => one.outerHTML),
  );
  expect(wide).toEqual([]);
  await page.context().close();
});

browserTest.each([["en-US"], ["ja-JP"]])("in %s, the title of a room can be read at 320 px", async (locale) => {
  const page = await browser.newPage({ ...SMALL_PHONE, locale });
  await page.goto(`${site.url}/rooms/lobby`);
  await page.fill("#enter [name=nickname]", locale);
  await page.press("#enter [name=nickname]", "Enter");
  await page.waitForSelector("#say");
  const [title, others] = await page.evaluate(() => {
    const [one, ...rest] = document.querySelectorAll(".bar .bar-title, .bar-end > *, #connection");
    return [
      { hidden: (one?.scrollWidth ?? 0) - (one?.clientWidth ?? 0), box: one?.getBoundingClientRect().toJSON() },
      rest.map((element) => element.getBoundingClientRect().toJSON()),
    ];
  });
  expect(title.hidden).toBe(0);
  for (const box of others) {
    expect(box.right).toBeLessThanOrEqual(320);
    expect(box.left >= title.box.right || box.top >= title.box.bottom).toBe(true);
  }
  await page.context().close();
});

browserTest("three people with long names who type cover no message", async () => {
  const page = await watch(SMALL_PHONE);
  for (const letter of ["M", "N", "O"]) {
    const { token } = await someone(letter.repeat(18));
    const headers = { authorization: `Bearer ${token}` };
    await request(site.url).post("/api/rooms/lobby/enter").set(headers).expect(200);
    await request(site.url).post("/api/rooms/lobby/typing").set(headers).expect(200);
  }
  await page.waitForFunction(() => document.querySelectorAll("#typing bdi").length === 3);
  const [last, typing] = await page.evaluate(() =>
    [document.querySelector("#log")?.lastElementChild, document.querySelector("#typing")].map((one) => {
      const { top = 0, bottom = 0, right = 0 } = one?.getBoundingClientRect() ?? {};
      return { top, bottom, right, words: one?.textContent };
    }),
  );
  expect(typing?.top).toBeGreaterThanOrEqual(last?.bottom as number);
  expect(typing?.right).toBeLessThanOrEqual(320);
  expect(typing?.words).toMatch(/入力中…$/);
  await page.context().close();
});

browserTest("names and trips are not translated by the browser", async () => {
  await say(site.url, await someone("Trip", "#long secret"), "with a trip");
  const page = await watch();
  const marks = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>(".nickname, .trip")].map((mark) => mark.translate),
  );
  expect(marks.length).toBeGreaterThan(4);
  expect(marks).not.toContain(true);
  await page.context().close();
});

browserTest(
  "the colors to choose from stay eight where the system replaces colors, and have titles",
  { needs: ["forced colors"] },
  async () => {
    const page = await browser.newPage({ forcedColors: "active" });
    await page.goto(site.url);
    const colors = await page
      .locator(".swatch")
      .evaluateAll((all) => all.map((one) => getComputedStyle(one, "::before").backgroundColor));
    expect(new Set(colors).size).toBe(8);
    const titles = await page.locator(".swatch").evaluateAll((all) => all.map((one) => (one as HTMLElement).title));
    expect(new Set(titles).size).toBe(8);
    expect(titles).not.toContain("");
    await page.context().close();
  },
);

browserTest(
  "without script, the log that grows covers the log that came with the page",
  { needs: ["no script"] },
  async () => {
    const page = await browser.newPage({ javaScriptEnabled: false });
    await page.goto(`${site.url}/rooms/lobby`, { waitUntil: "commit" });
    await page.frameLocator("iframe").locator("#log").waitFor();
    expect(await page.locator("iframe").boundingBox()).toEqual(await page.locator("#scroll").boundingBox());
    await page.context().close();
  },
);
