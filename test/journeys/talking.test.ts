import { Readable } from "node:stream";
import { describe, expect } from "@jest/globals";
import request from "supertest";
import { openProxy, type ProxyAnswer } from "../networks/rig/proxy.ts";
import { person, say, sayAll } from "../support/app.ts";
import { browserTest, type PageUser, useBrowser } from "../support/browser.ts";
import { query } from "../support/database.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite({ graceSeconds: 2 });
/** Members without a connection stay here for as long as a slow page may take to load. */
const patient = useSite({ graceSeconds: 60 });

const leaveAll = async (...seats: PageUser[]) => {
  for (const { page } of seats) await page.context().close();
};

describe("two people", () => {
  browserTest(
    "talk without a reload, each in their language, and see the same messages in the same order",
    async () => {
      const ann = await browser.sit(site.url, "Ann");
      const ken = await browser.sit(site.url, "健太", { locale: "ja-JP", viewport: { width: 390, height: 844 } });
      await Promise.all([ann.is("live"), ken.is("live")]);
      await ann.say("Hello <b>");
      await ken.sees("Hello <b>");
      await ken.say("こんにちは");
      await ann.sees("こんにちは");
      for (let n = 0; n < 10; n += 1) await (n % 2 ? ann : ken).say(`message ${n}`);
      for (const seat of [ann, ken]) for (let n = 0; n < 10; n += 1) await seat.sees(`message ${n}`);
      const [anns, kens] = [await ann.wholeLog(), await ken.wholeLog()];
      expect(anns.texts.slice(-12)).toEqual(kens.texts.slice(-12));
      expect(await ken.page.textContent("#members")).toContain("Ann");
      expect(await ken.page.getAttribute("html", "lang")).toBe("ja");
      await leaveAll(ann, ken);
    },
  );

  browserTest("see each other enter, and leave after the grace; a reload within it is not announced", async () => {
    const watcher = await browser.sit(site.url, "Watcher");
    await watcher.is("live");
    const guest = await browser.sit(site.url, "Guest");
    // The line may be in a folded run.
    await watcher.page.waitForSelector('#log [data-seq]:has(.nickname:text-is("Guest"))', { state: "attached" });
    await guest.is("live");
    await guest.page.reload();
    await guest.is("live");
    await guest.say("still here");
    await watcher.sees("still here");
    const lines = () => watcher.page.locator('#log [data-seq]:has(.nickname:text-is("Guest"))').count();
    expect(await lines()).toBe(2);
    await leaveAll(guest);
    await watcher.page.waitForFunction(() => !document.querySelector("#members")?.textContent?.includes("Guest"));
    expect(await lines()).toBe(3);
    await leaveAll(watcher);
  });
});

describe("a room with many people", () => {
  browserTest("shows long names on a wide screen without overlaps", async () => {
    await request(patient.url).post("/api/rooms").send({ slug: "long-names" }).expect(201);
    await query(
      patient.databaseUrl,
      `insert into members (room_id, member_id, nickname, color, look)
        select id, 'm' || n, repeat('名', 14) || (10 + n), '#b3261e', 'n' || n
        from rooms, generate_series(1, 25) n where slug = 'long-names'`,
    );
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    await page.goto(`${patient.url}/rooms/long-names`);
    await page.locator("#members .person").last().waitFor();
    const boxes = await page.locator("#members .person").evaluateAll((people) =>
      people.map((one) => {
        const texts = document.createRange();
        texts.selectNodeContents(one);
        return [texts.getBoundingClientRect().top, texts.getBoundingClientRect().bottom];
      }),
    );
    expect(boxes).toHaveLength(25);
    const covered = boxes.slice(1).filter(([top = 0], n) => top < (boxes[n]?.[1] ?? 0));
    expect(covered).toEqual([]);
    await page.context().close();
  });
});

describe("a log that is full", () => {
  browserTest(
    "does not move while older lines are read, and drops them when the newest are read again",
    async () => {
      const filler = await person(site.url, "Filler");
      await sayAll(site.url, filler, { texts: Array.from({ length: 520 }, (_, n) => `line ${n}`) });
      const ann = await browser.sit(site.url, "Reader");
      await ann.is("live");
      const lines = () => ann.page.locator("#log [data-seq]").count();
      while ((await lines()) < 500) {
        const before = await lines();
        // Older messages are read when the reader comes near them.
        await ann.page.evaluate(() => document.querySelector("#scroll")?.scrollTo(0, 0));
        await ann.page.waitForFunction((n) => document.querySelectorAll("#log [data-seq]").length > n, before);
      }
      const first = (await ann.log()).seqs[0] as number;
      const top = () =>
        ann.page.evaluate(
          (seq) => document.querySelector(`#log [data-seq="${seq}"]`)?.getBoundingClientRect().top,
          first,
        );
      await ann.page.evaluate((seq) => document.querySelector(`#log [data-seq="${seq}"]`)?.scrollIntoView(), first);
      const before = await top();
      for (let n = 0; n < 5; n += 1) await say(site.url, filler, `news ${n}`);
      await ann.sees("news 4");
      // Heights are rounded.
      expect(Math.abs(((await top()) as number) - (before as number))).toBeLessThan(5);
      await ann.page.click("#newer");
      await say(site.url, filler, "the last");
      await ann.sees("the last");
      // The oldest are dropped a frame later.
      await ann.page.waitForFunction(() => document.querySelectorAll("#log [data-seq]").length === 500);
      await leaveAll(ann);
    },
    60_000,
  );
});

describe("writing", () => {
  browserTest("Enter that confirms a Japanese conversion does not send", { needs: ["devtools"] }, async () => {
    const ann = await browser.sit(site.url, "IME");
    await ann.is("live");
    const keyboard = await ann.page.context().newCDPSession(ann.page);
    await ann.page.focus("#say [name=text]");
    await keyboard.send("Input.imeSetComposition", { text: "にほん", selectionStart: 3, selectionEnd: 3 });
    await keyboard.send("Input.dispatchKeyEvent", {
      type: "rawKeyDown",
      key: "Enter",
      code: "Enter",
      windowsVirtualKeyCode: 229,
    });
    await keyboard.send("Input.insertText", { text: "日本" });
    await keyboard.send("Input.dispatchKeyEvent", {
      type: "keyUp",
      key: "Enter",
      code: "Enter",
      windowsVirtualKeyCode: 13,
    });
    expect(await ann.page.inputValue("#say [name=text]")).toBe("日本");
    await ann.page.press("#say [name=text]", "Shift+Enter");
    expect(await ann.page.inputValue("#say [name=text]")).toBe("日本\n");
    expect((await ann.log()).texts).not.toContain("日本");
    // In Safari the confirming Enter follows right after the composition. An Enter a moment later
    // is meant to send.
    await ann.page.waitForTimeout(600);
    await ann.page.press("#say [name=text]", "Backspace");
    await ann.page.press("#say [name=text]", "Enter");
    await ann.sees("日本");
    await leaveAll(ann);
  });

  browserTest(
    "Enter on an Android keyboard sends in the middle of a word, but not during a conversion",
    { needs: ["devtools"] },
    async () => {
      const userAgent = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36";
      const ann = await browser.sit(site.url, "Android", { userAgent });
      await ann.is("live");
      const keyboard = await ann.page.context().newCDPSession(ann.page);
      await ann.page.focus("#say [name=text]");
      const enter = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 13 };
      for (const text of ["にほん", "hello"]) {
        await keyboard.send("Input.imeSetComposition", {
          text,
          selectionStart: text.length,
          selectionEnd: text.length,
        });
        for (const type of ["rawKeyDown", "keyUp"] as const)
          await keyboard.send("Input.dispatchKeyEvent", { type, ...enter });
      }
      await ann.sees("hello");
      expect((await ann.log()).texts).not.toContain("にほん");
      expect(await ann.page.inputValue("#say [name=text]")).toBe("");
      await leaveAll(ann);
    },
  );

  browserTest("a message is gray until it is acknowledged, and a refused one can be sent again", async () => {
    let answers: "hold" | "refuse" | "pass" = "hold";
    let release: () => void = () => undefined;
    const network = await openProxy(site.url, async (asked, pass) => {
      if (!asked.path.includes("/messages;")) return pass(asked);
      if (answers === "hold")
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      return answers === "refuse" ? refusal(asked.path) : pass(asked);
    });
    const ann = await browser.sit(network.url, "Refused");
    await ann.is("live");
    await ann.say("wait for it");
    await ann.page.waitForSelector('#log .pending:has-text("wait for it")');
    answers = "pass";
    release();
    await ann.sees("wait for it");
    answers = "refuse";
    await ann.say("not this one");
    const again = ann.page.locator('#log .pending:has-text("not this one") button').first();
    await again.waitFor();
    answers = "pass";
    await again.click();
    await ann.sees("not this one");
    expect((await ann.log()).texts.filter((text) => text === "not this one")).toHaveLength(1);
    await leaveAll(ann);
    await network.close();
  });
});

describe("without script", () => {
  browserTest("the room is entered, read and written by forms and reloads", { needs: ["no script"] }, async () => {
    const ann = await browser.sit(site.url, "Scriptless", { javaScriptEnabled: false });
    await ann.page.fill("#say [name=text]", "by form");
    await ann.page.click("#say button");
    await ann.page.waitForSelector('#log .text:text-is("by form")');
    const bob = await person(site.url, "Bob");
    await say(site.url, bob, "seen after a reload");
    await ann.page.reload();
    expect(await ann.page.textContent("#log")).toContain("seen after a reload");
    await leaveAll(ann);
  });
});

describe("a person who only watches", () => {
  browserTest("reads live without a nickname, and is counted", async () => {
    const context = await browser.newContext({ locale: "en-US" });
    const page = await context.newPage();
    await page.goto(`${site.url}/rooms/lobby`);
    await page.waitForSelector('#connection[data-state="live"]');
    const bob = await person(site.url, "Bobby");
    await say(site.url, bob, "for all to read");
    await page.waitForSelector('#log .text:text-is("for all to read")');
    await page.waitForFunction(() => document.querySelector("#room")?.textContent?.includes("1 watching"));
    const visitors = async () => (await request(site.url).get("/api/rooms/lobby")).body.visitors as number;
    await until("the site counts one watcher", async () => (await visitors()) === 1);
    await context.close();
  });
});

/** Refuses the message of a request, with the marks without which a refusal does not count. */
function refusal(path: string): ProxyAnswer {
  const body = JSON.stringify({ chattera: 1, n: /;n=([^;]+)/.exec(path)?.[1], code: "text_invalid" });
  const headers = { "content-type": "application/problem+json" };
  return { status: 400, headers, body: Readable.from([Buffer.from(body)]) };
}
