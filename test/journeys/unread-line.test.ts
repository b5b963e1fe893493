import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import request from "supertest";
import { person, say, type TestPerson } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { type OldSite, openOldSite } from "../support/old-browser.ts";
import { useSite } from "../support/use-site.ts";
import { whisper } from "../support/whisper.ts";

// The line is above what a reader could have missed: whispers and notices too, but nothing of
// people whom they ignore.

const browser = useBrowser();
const site = useSite();
let old: OldSite;
let rooms = 0;

beforeAll(async () => {
  old = await openOldSite(site.url);
});

afterAll(() => old?.close());

/** Opens a room in which Bob and Cai speak, and in which a page is read. */
async function openRoom(base: string) {
  rooms += 1;
  const slug = `unread-${rooms}`;
  await request(site.url).post("/api/rooms").send({ slug }).expect(201);
  const page = await browser.newPage({ locale: "en-US" });
  const bob = await person(site.url, `Bob ${rooms}`);
  const cai = await person(site.url, `Cai ${rooms}`);
  const speak = (who: TestPerson, text: string) => say(site.url, who, { room: slug, text });
  await speak(bob, "first of Bob");
  await speak(cai, "first of Cai");
  const open = async () => {
    await page.goto(`${base}/rooms/${slug}`);
    await page.waitForSelector('#connection[data-state="live"]');
  };
  return { page, slug, bob, cai, speak, open, leave: () => page.goto("about:blank") };
}

/** Returns the texts of the log that can be read, in their order, with the unread line. */
const shown = (page: Page) =>
  page.$$eval("#log > li", (lines) =>
    lines
      .filter((line) => /message|whisper|notice|unread/.test(line.className) && !/ignored/.test(line.className))
      .map((line) => (line.className === "unread" ? "---" : line.querySelector(".text")?.textContent)),
  );

const sees = (page: Page, text: string) =>
  page.waitForFunction(
    (awaited) => [...document.querySelectorAll("#log .text")].some((one) => one.textContent === awaited),
    text,
  );

async function ignore(page: Page, text: string): Promise<void> {
  await page.locator(`#log .line:has(.text:text-is("${text}")) .menu-button`).click();
  await page.locator(".ignore").click();
}

describe.each([
  ["the page", () => site.url],
  ["the old page", () => old.url],
])("the unread line of %s", (_name, base) => {
  browserTest("is above a whisper that came while the page was closed, and gone when it was seen", async () => {
    const { page, slug, bob, speak, open, leave } = await openRoom(base());
    await open();
    const nickname = `Reader ${rooms}`;
    await page.fill("#enter [name=nickname]", nickname);
    await page.press("#enter [name=nickname]", "Enter");
    await page.waitForSelector("#say");
    await open();
    const to = (await page.getAttribute("#room", "data-member-id")) ?? "";
    await whisper(site.url, bob, { room: slug, to, text: "seen whisper" });
    await sees(page, "seen whisper");
    await leave();
    await whisper(site.url, bob, { room: slug, to, text: "missed whisper" });
    await open();
    const said = ["first of Bob", "first of Cai", "seen whisper"];
    expect(await shown(page)).toEqual([...said, "---", "missed whisper"]);
    // A whisper that was seen stays so when the room goes on.
    await leave();
    await speak(bob, "later");
    await open();
    expect(await shown(page)).toEqual([...said, "missed whisper", "---", "later"]);
    await open();
    expect(await shown(page)).toEqual([...said, "missed whisper", "later"]);
    await page.context().close();
  });

  browserTest("is above a roll of dice that came while the page was closed", async () => {
    const { page, bob, speak, open, leave } = await openRoom(base());
    await open();
    await leave();
    await speak(bob, "/roll 2d6");
    await open();
    const lines = await shown(page);
    expect(lines.slice(0, 3)).toEqual(["first of Bob", "first of Cai", "---"]);
    expect(lines).toHaveLength(4);
    await page.context().close();
  });

  browserTest("is not above what only ignored people have written, but above what others wrote", async () => {
    const { page, bob, cai, speak, open, leave } = await openRoom(base());
    await open();
    await ignore(page, "first of Bob");
    await leave();
    await speak(bob, "hidden");
    await open();
    await speak(cai, "seen at once");
    await sees(page, "seen at once");
    expect(await shown(page)).toEqual(["first of Cai", "seen at once"]);
    await leave();
    await speak(bob, "hidden, too");
    await speak(cai, "missed");
    await open();
    expect(await shown(page)).toEqual(["first of Cai", "seen at once", "---", "missed"]);
    // Nothing that can be read is below the line now.
    await ignore(page, "missed");
    await page.waitForFunction(() => document.querySelector("#log > .unread") === null);
    await page.context().close();
  });
});
