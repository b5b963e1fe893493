import { describe, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import request from "supertest";
import { type BrowserTestOptions, browserTest, useBrowser } from "../support/browser.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite({ graceSeconds: 3 });

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const TOUCH = {
  except: { Firefox: "tests cannot make its pointer coarse", WebKit: "tests cannot make its pointer coarse" },
};
const WITHOUT_SCRIPT: BrowserTestOptions = {
  needs: ["no script"],
  except: { WebKit: "its window gets its size by script" },
};
const FIELD = "#say [name=text]";

const active = (page: Page) => page.evaluate(() => document.activeElement?.id || document.activeElement?.tagName);
const hasFocus = (page: Page) => page.waitForFunction(() => document.activeElement?.id === "text");
const blur = (page: Page) => page.evaluate(() => (document.activeElement as HTMLElement).blur());
const value = (page: Page) => page.inputValue(FIELD);

const isSeen = (page: Page, selector: string) =>
  page.evaluate((one) => document.querySelector(one)?.checkVisibility({ visibilityProperty: true }), selector);

async function textsIn(room: string): Promise<string[]> {
  const { body } = await request(site.url).get(`/api/rooms/${room}/messages?limit=200`);
  return body.events
    .filter(({ kind }: { kind: string }) => kind === "message")
    .map(({ text }: { text: string }) => text);
}

describe("the message field of a person with a mouse", () => {
  browserTest(
    "has the focus after entering by the lobby, by the room, after a reload and another language",
    async () => {
      const { page } = await browser.sit(site.url, "Focused");
      await hasFocus(page);
      await page.reload();
      await hasFocus(page);
      await page.click(".language");
      await page.waitForSelector('html[lang="ja"]');
      await hasFocus(page);
      await page.click("form.leave button");
      await page.waitForSelector(".lobby");
      await page.goto(`${site.url}/rooms/lobby`);
      await page.fill("#enter [name=nickname]", "Focused too");
      await page.press("#enter [name=nickname]", "Enter");
      await page.waitForSelector(FIELD);
      await hasFocus(page);
      await page.keyboard.type("typed at once");
      expect(await value(page)).toBe("typed at once");
      await page.context().close();
    },
  );

  browserTest("has the focus when the reader comes back to the page", async () => {
    const { page } = await browser.sit(site.url, "Returning");
    await hasFocus(page);
    await page.click(".home");
    await page.waitForSelector(".lobby");
    await page.goBack();
    await page.waitForSelector(FIELD);
    await hasFocus(page);
    await page.context().close();
  });

  browserTest("gets what is typed on the page", async () => {
    const { page } = await browser.sit(site.url, "Typist");
    await hasFocus(page);
    await blur(page);
    await page.keyboard.type("Hi あ");
    expect(await value(page)).toBe("Hi あ");
    await page.focus("#scroll");
    await page.keyboard.press("!");
    expect(await value(page)).toBe("Hi あ!");
    await page.focus(".leave button");
    await page.keyboard.press("?");
    expect(await value(page)).toBe("Hi あ!?");
    await page.context().close();
  });

  browserTest("does not get shortcuts, a space on the log or a link, or keys of another field", async () => {
    const { page } = await browser.sit(site.url, "Shortcuts");
    await hasFocus(page);
    await blur(page);
    for (const key of ["Control+c", "Alt+x", "Meta+k", "Escape", "ArrowUp", "PageUp", "F2", "Shift"])
      await page.keyboard.press(key);
    expect(await active(page)).toBe("BODY");
    await page.focus("#scroll");
    await page.keyboard.press("Space");
    expect(await active(page)).toBe("scroll");
    await page.focus(".language");
    await page.keyboard.press("Space");
    expect(await active(page)).toBe("A");
    await page.evaluate(() => {
      const other = document.body.appendChild(document.createElement("input"));
      other.id = "other";
      other.focus();
    });
    await page.keyboard.type("elsewhere");
    expect([await active(page), await value(page)]).toEqual(["other", ""]);
    await page.context().close();
  });

  browserTest("leaves a selection that is being copied alone", async () => {
    const { page } = await browser.sit(site.url, "Copyist");
    await hasFocus(page);
    await blur(page);
    const selected = () => page.evaluate(() => String(document.getSelection()));
    await page.evaluate(() => document.getSelection()?.selectAllChildren(document.querySelector(".bar-title") as Node));
    const before = await selected();
    await page.keyboard.press("Control+c");
    expect([await selected(), before.length > 0, await active(page)]).toEqual([before, true, "BODY"]);
    await page.context().close();
  });

  browserTest("has the focus after a click on Send, and after a button is gone", async () => {
    const { page, sees } = await browser.sit(site.url, "Clicker");
    await page.fill(FIELD, "by button");
    await page.click("#say button");
    await page.keyboard.type("typed on");
    expect(await value(page)).toBe("typed on");
    await sees("by button");
    await page.focus("#say button");
    await page.keyboard.press("Enter");
    await sees("typed on");
    expect(await active(page)).toBe("text");
    await page.evaluate(() => {
      const button = document.querySelector("#log")?.appendChild(document.createElement("button"));
      button?.addEventListener("click", () => button.remove());
      button?.focus();
    });
    await page.keyboard.press("Enter");
    expect(await active(page)).toBe("text");
    await page.context().close();
  });
});

describe("the message field on a phone", () => {
  browserTest("does not take the focus, and keeps it when Send is tapped", TOUCH, async () => {
    const { page, sees } = await browser.sit(site.url, "Phone", PHONE);
    await page.waitForSelector('#connection[data-state="live"]');
    expect(await active(page)).toBe("BODY");
    await page.tap(FIELD);
    await page.keyboard.type("from a phone");
    await page.evaluate(() =>
      document.querySelector("#text")?.addEventListener("blur", () => document.body.classList.add("was-closed")),
    );
    await page.tap("#say button");
    await sees("from a phone");
    expect(await active(page)).toBe("text");
    expect(await page.locator("body.was-closed").count()).toBe(0);
    await page.context().close();
  });

  browserTest("does not open a keyboard that was closed", TOUCH, async () => {
    const { page, sees } = await browser.sit(site.url, "Closed", PHONE);
    await page.tap(FIELD);
    await page.keyboard.type("closed before");
    await blur(page);
    await page.tap("#say button");
    await sees("closed before");
    expect(await active(page)).not.toBe("text");
    await page.context().close();
  });
});

describe("a message", () => {
  browserTest("is sent by Ctrl+Enter and Cmd+Enter too, and Shift+Enter begins a line, as the page says", async () => {
    const { page, sees } = await browser.sit(site.url, "Keys");
    expect(await page.getAttribute(FIELD, "placeholder")).toContain("Shift+Enter");
    expect(await page.getAttribute(FIELD, "title")).toContain("Shift+Enter");
    await page.fill(FIELD, "by control");
    await page.press(FIELD, "Control+Enter");
    await sees("by control");
    await page.fill(FIELD, "by command");
    await page.press(FIELD, "Meta+Enter");
    await sees("by command");
    await page.fill(FIELD, "one");
    await page.press(FIELD, "Shift+Enter");
    await page.keyboard.type("two");
    await page.press(FIELD, "Enter");
    await sees("one\ntwo");
    await page.context().close();
  });

  browserTest("keeps the spaces that it begins with, and loses empty lines around it", async () => {
    const { page } = await browser.sit(site.url, "Artist");
    const art = "　　∧＿∧\n　（　´∀｀）";
    await page.fill(FIELD, ` \n\n${art} \n　\n`);
    await page.press(FIELD, "Enter");
    await page.waitForFunction(() => document.querySelector("#log [data-seq]:last-child .text") !== null);
    await page.waitForSelector('#log [data-seq]:not(.pending) .text:has-text("∧＿∧")');
    expect(await textsIn("lobby")).toContain(art);
    await page.fill(FIELD, "　\n \n");
    await page.press(FIELD, "Enter");
    expect(await page.locator("#log .pending").count()).toBe(0);
    await page.context().close();
  });

  browserTest("is counted near its longest", async () => {
    const { page } = await browser.sit(site.url, "Counted");
    const count = page.locator("#count");
    await page.fill(FIELD, "x".repeat(1_799));
    expect(await count.count()).toBe(0);
    await page.fill(FIELD, "😀".repeat(1_990));
    expect(await count.textContent()).toBe("10 characters left");
    await page.fill(FIELD, "x".repeat(2_005));
    expect(await count.textContent()).toBe("5 characters too long");
    await page.fill(FIELD, "short");
    expect(await count.count()).toBe(0);
    await page.context().close();
  });
});

describe("a person who sends too fast", () => {
  const limited = useSite({ limits: true });

  browserTest(
    "is shown why a message waits, and for how long, and all are sent in order",
    async () => {
      const { page } = await browser.sit(limited.url, "Hasty");
      await hasFocus(page);
      const sent = Array.from({ length: 30 }, (_, n) => `hasty ${n}`);
      await page.evaluate((texts) => {
        const field = document.querySelector("#text") as HTMLTextAreaElement;
        for (const text of texts) {
          field.value = text;
          field.form?.requestSubmit();
        }
      }, sent);
      await page.waitForSelector('#log .kept .message-state:has-text("too fast")');
      expect(await page.locator("#log .kept .message-state").first().textContent()).toMatch(/in about \d+ s/);
      await page.waitForSelector('#log [data-seq]:not(.pending) .text:text-is("hasty 29")', { timeout: 40_000 });
      const { body } = await request(limited.url).get("/api/rooms/lobby/messages?limit=100");
      expect(body.events.map(({ text }: { text?: string }) => text).filter(Boolean)).toEqual(sent);
      await page.context().close();
    },
    60_000,
  );
});

describe("the list of people", () => {
  const stops = async (page: Page) => {
    const seen: (string | undefined)[] = [];
    for (let n = 0; n < 12; n += 1) {
      await page.keyboard.press("Tab");
      seen.push(
        await page.evaluate(() =>
          document.activeElement?.matches(".people summary") ? "people" : document.activeElement?.tagName,
        ),
      );
    }
    return seen;
  };

  for (const javaScriptEnabled of [true, false])
    browserTest(
      `is no stop of Tab on a wide screen, and opens on a phone (script: ${javaScriptEnabled})`,
      javaScriptEnabled ? {} : WITHOUT_SCRIPT,
      async () => {
        const open = async (width: number) => {
          const page = await browser.newPage({ viewport: { width, height: 720 }, javaScriptEnabled });
          await page.goto(`${site.url}/rooms/lobby`);
          return page;
        };
        const wide = await open(1280);
        expect([await isSeen(wide, "#members"), await isSeen(wide, ".people-title")]).toEqual([true, true]);
        const reached = await stops(wide);
        expect([reached.includes("people"), reached.includes("A")]).toEqual([false, true]);
        await wide.context().close();
        const page = await open(390);
        expect(await isSeen(page, "#members")).toBe(false);
        expect(await stops(page)).toContain("people");
        await page.context().close();
      },
    );
});
