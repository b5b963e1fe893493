import { expect } from "@jest/globals";
import { browserTest, type PageUser, useBrowser } from "../support/browser.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

/** Returns the texts of the whispers in a page's log. */
const whispers = ({ page }: PageUser) =>
  page.evaluate(() =>
    Array.from(document.querySelectorAll("#log .whisper"), (line) =>
      ["whisper-mark", "text"].map((name) => line.querySelector(`.${name}`)?.textContent).join(": "),
    ),
  );

browserTest(
  "two people whisper by the menu and by the command, and a third one sees nothing, also after a reload",
  async () => {
    const [ann, ben, cai] = [
      await browser.sit(site.url, "Ann"),
      await browser.sit(site.url, "Ben"),
      await browser.sit(site.url, "Cai"),
    ];
    for (const who of [ann, ben, cai]) await who.say(`${await who.page.title()} is here`);
    await ann.page.waitForFunction(() => document.querySelectorAll("#members .person").length === 3);
    const person = ann.page.locator('#members .person:has-text("Ben")');
    await person.locator(".menu-button").click();
    await ann.page.locator('[role="menuitem"]:has-text("Whisper")').click();
    await ann.page.waitForFunction(() => document.querySelector<HTMLTextAreaElement>("#text")?.value === "/w Ben ");
    await ann.page.locator("#text").fill("/w Ben only for you");
    await ann.page.locator("#text").press("Enter");
    await ben.page.waitForSelector("#log .whisper");
    expect(await whispers(ben)).toEqual(["whispers to you: only for you"]);
    await ben.say("/w ann and for you");
    await ann.page.waitForFunction(() => document.querySelectorAll("#log .whisper").length === 2);
    await ann.say("for everyone");
    await cai.sees("for everyone");
    expect(await whispers(ann)).toEqual(["whispers to Ben: only for you", "whispers to you: and for you"]);
    expect(await cai.page.evaluate(() => document.documentElement.innerHTML)).not.toMatch(/only for you|and for you/);
    for (const { page } of [ann, ben, cai]) await page.reload();
    await ben.is("live");
    expect(await whispers(ben)).toEqual(["whispers to you: only for you", "whispers to Ann: and for you"]);
    expect(await cai.page.evaluate(() => document.documentElement.innerHTML)).not.toMatch(/only for you|and for you/);
    const order = await ben.page.evaluate(() =>
      Array.from(document.querySelectorAll("#log .text"), ({ textContent }) => textContent),
    );
    expect(order.slice(-3)).toEqual(["only for you", "and for you", "for everyone"]);
    // The page goes on behind both logs.
    await ann.say("/w Ben once more");
    await ben.page.waitForFunction(() => document.querySelectorAll("#log .whisper").length === 3);
    await ann.say("/w Nobody psst");
    await ann.page.waitForSelector("#log .refused");
    for (const { page } of [ann, ben, cai]) await page.context().close();
  },
);
