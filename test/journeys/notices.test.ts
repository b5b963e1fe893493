import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { describe, expect } from "@jest/globals";
import type { BrowserContext, Page } from "playwright-core";
import request from "supertest";
import { clientId, person, type TestPerson } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { useSite } from "../support/use-site.ts";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const browser = useBrowser();
const site = useSite();

let rooms = 0;

type Room = { slug: string; bob: TestPerson; say(...texts: string[]): Promise<void> };

/** Makes a room in which Bob speaks. */
async function openRoom(): Promise<Room> {
  rooms += 1;
  const slug = `notices-${rooms}`;
  await request(site.url).post("/api/rooms").send({ slug }).expect(201);
  const bob = await person(site.url, `Bob${rooms}`);
  return {
    slug,
    bob,
    say: async (...texts) => {
      const messages = texts.map((text) => ({ id: clientId(), text }));
      const path = `/api/rooms/${slug}/messages`;
      for (let n = 0; n < messages.length; n += 50) {
        const sent = request(site.url).post(path).set("authorization", `Bearer ${bob.token}`);
        await sent.send({ messages: messages.slice(n, n + 50) }).expect(200);
      }
    },
  };
}

/** Opens a room, and enters it if there is a nickname. */
async function open(slug: string, nickname = "", context?: BrowserContext): Promise<Page> {
  const page = await (context ?? (await browser.newContext({ locale: "en-US" }))).newPage();
  await page.goto(`${site.url}/rooms/${slug}`);
  if (nickname !== "") {
    await page.fill("#enter [name=nickname]", nickname);
    await page.click("#enter button[type=submit]");
    await page.waitForSelector("#say");
  }
  await isLive(page);
  return page;
}

const isLive = (page: Page) => page.waitForSelector('#connection[data-state="live"]');

/** Hides the page from its reader, or shows it again. */
const hide = (page: Page, isHidden: boolean) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);

/** Chooses in a field of the settings. */
const choose = (page: Page, choice: { [id: string]: string }) =>
  page.evaluate((chosen) => {
    for (const [id, value] of Object.entries(chosen)) {
      const field = document.getElementById(id) as HTMLSelectElement;
      field.value = value;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }, choice);

const sees = (page: Page, text: string) =>
  page.waitForFunction(
    (awaited) => [...document.querySelectorAll("#log [data-seq] .text")].some((one) => one.textContent === awaited),
    text,
  );

/** Returns the texts of the log from the top of the screen down, with the unread line. */
const onScreen = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("#log > .message, #unread")]
      .sort((one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top)
      .map((line) => (line.id === "unread" ? "---" : (line.querySelector(".text")?.textContent ?? ""))),
  );

const texts = (n: number, from = 1) => Array.from({ length: n }, (_, i) => `message ${from + i}`);

async function faults(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(AXE, "utf8"));
  return page.evaluate(async () => {
    const axe = (
      globalThis as unknown as {
        axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      }
    ).axe;
    const { violations } = await axe.run({
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  });
}

describe("the unread line", () => {
  browserTest("is one in a hidden page while another one shows the room", async () => {
    const { slug, say } = await openRoom();
    const page = await open(slug, "Una");
    await page.evaluate(() => {
      // A hidden page has no frames.
      window.requestAnimationFrame = () => 0;
    });
    await hide(page, true);
    const other = await open(slug, "", page.context());
    for (let n = 0; n < 5; n += 1) {
      await say(`message ${n}`);
      await sees(page, `message ${n}`);
      // It notes what it shows, also for the hidden page.
      await other.reload();
      await isLive(other);
    }
    expect(await onScreen(page)).toEqual(["message 0", "message 1", "message 2", "message 3", "---", "message 4"]);
    expect(await page.locator("#log .unread").count()).toBeLessThanOrEqual(2);
    await page.context().close();
  });

  browserTest("is where the reader left off: in a hidden page, after a reload, and after a return", async () => {
    const { slug, say } = await openRoom();
    await say("one");
    const page = await open(slug);
    await sees(page, "one");
    expect(await page.locator("#unread").count()).toBe(0);
    await hide(page, true);
    await say("two", "three");
    await sees(page, "three");
    expect(await onScreen(page)).toEqual(["one", "---", "two", "three"]);
    expect(await page.getAttribute("#unread", "role")).toBe("separator");
    await hide(page, false);
    // A message that arrives in sight does not move the line.
    await say("four");
    await sees(page, "four");
    expect(await onScreen(page)).toEqual(["one", "---", "two", "three", "four"]);
    await page.goto("about:blank");
    await say("five");
    await page.goto(`${site.url}/rooms/${slug}`);
    await isLive(page);
    expect(await onScreen(page)).toEqual(["one", "two", "three", "four", "---", "five"]);
    await page.reload();
    await isLive(page);
    expect(await page.locator("#unread").count()).toBe(0);
    await page.context().close();
  });

  browserTest("is not above what arrives in sight after others only came and went", async () => {
    const { slug, bob, say } = await openRoom();
    const page = await open(slug);
    await page.goto("about:blank");
    await request(site.url).post(`/api/rooms/${slug}/enter`).set("authorization", `Bearer ${bob.token}`).expect(200);
    await page.goto(`${site.url}/rooms/${slug}`);
    await isLive(page);
    await say("seen at once");
    await sees(page, "seen at once");
    expect(await onScreen(page)).toEqual(["seen at once"]);
    await page.context().close();
  });

  browserTest("is above the first message of another person, and goes when the reader answers", async () => {
    const { slug, say } = await openRoom();
    const page = await open(slug, `Ann${rooms}`);
    await page.fill("#text", "mine");
    await page.press("#text", "Enter");
    await sees(page, "mine");
    await hide(page, true);
    await say("yours");
    await sees(page, "yours");
    await page.waitForSelector("#unread", { state: "attached" });
    expect(await onScreen(page)).toEqual(["mine", "---", "yours"]);
    await hide(page, false);
    await page.fill("#text", "an answer");
    await page.press("#text", "Enter");
    await page.waitForSelector("#unread", { state: "detached" });
    await page.context().close();
  });

  browserTest("is what the button for new messages leads to, and then to the newest", async () => {
    const { slug, say } = await openRoom();
    await say(...texts(60));
    const page = await open(slug);
    const inSight = (selector: string) =>
      page.waitForFunction((what) => {
        const box = document.getElementById("scroll")?.getBoundingClientRect();
        const line = [...document.querySelectorAll(what)].at(-1)?.getBoundingClientRect();
        return box && line && line.top >= box.top - 2 && line.bottom <= box.bottom + 2;
      }, selector);
    await page.evaluate(() => document.getElementById("scroll")?.scrollTo(0, 0));
    await page.waitForFunction(() => document.querySelectorAll("#log .message").length >= 60);
    await say(...texts(60, 61));
    await page.waitForSelector('#newer:has-text("60")');
    await page.click("#newer");
    await inSight("#unread");
    // The reader has not seen the rest.
    await say("message 121");
    await page.waitForSelector('#newer:has-text("new")');
    await page.click("#newer");
    await inSight("#log > .message");
    await page.waitForSelector("#newer", { state: "hidden" });
    // After a return with more than the screen shows, the button leads up to the line.
    await hide(page, true);
    await say(...texts(60, 122));
    await sees(page, "message 181");
    await hide(page, false);
    await page.waitForSelector('#newer:has-text("60")');
    await page.click("#newer");
    await inSight("#unread");
    await page.context().close();
  });
});

describe("a mention", () => {
  browserTest("is marked and counted, by any look of the name, and own messages are none", async () => {
    const { slug, say } = await openRoom();
    await say("hello 健太");
    const page = await open(slug, "健太");
    const title = await page.title();
    await hide(page, true);
    await say("plain", "@健太 look", "ねえ健太さん");
    await sees(page, "ねえ健太さん");
    await page.waitForFunction((awaited) => document.title === awaited, `(3) @2 ${title}`);
    await hide(page, false);
    expect(await page.title()).toBe(title);
    await page.fill("#text", "健太です");
    await page.press("#text", "Enter");
    await sees(page, "健太です");
    const marked = () => page.locator("#log .mention .text").allTextContents();
    expect(await marked()).toEqual(["hello 健太", "@健太 look", "ねえ健太さん"]);
    await page.reload();
    await isLive(page);
    expect(await marked()).toEqual(["hello 健太", "@健太 look", "ねえ健太さん"]);
    await page.context().close();
  });
});

/** Lists from now on the texts that are read aloud. */
async function listenTo(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const said: string[] = [];
    Object.assign(window, { said });
    new MutationObserver((records) => {
      for (const { addedNodes } of records) for (const node of addedNodes) said.push(node.textContent ?? "");
    }).observe(document.getElementById("announcer") as Node, { childList: true });
  });
  return () => page.evaluate(() => (window as unknown as { said: string[] }).said);
}

describe("changes of a message", () => {
  browserTest("are read aloud once and shortly, and an edit can mention the reader", async () => {
    const { slug, bob, say } = await openRoom();
    await say("one", "two");
    const page = await open(slug, "花子");
    const said = await listenTo(page);
    const change = (path: string, body: object) =>
      request(site.url)
        .post(`/api/rooms/${slug}/messages/${path}`)
        .set("authorization", `Bearer ${bob.token}`)
        .send(body);
    const seqOf = (text: string) =>
      page.evaluate((of) => {
        const lines = [...document.querySelectorAll<HTMLElement>("#log > .message")];
        return lines.find((line) => line.querySelector(".text")?.textContent === of)?.dataset.seq;
      }, text);
    const two = await seqOf("two");
    await change(`${await seqOf("one")}/edit`, { text: "花子さんへ" }).expect(201);
    await page.waitForSelector('.mention .text:has-text("花子さんへ")');
    await change(`${two}/erase`, {}).expect(201);
    await page.waitForFunction(() => (window as unknown as { said: string[] }).said.length === 2);
    expect(await said()).toEqual([`${bob.nickname} edited a message`, `${bob.nickname} erased a message`]);
    await page.context().close();
  });
});

describe("people who come and go", () => {
  browserTest("are announced as one sentence, once, and not again after a reload", async () => {
    const { slug } = await openRoom();
    const page = await open(slug);
    const said = await listenTo(page);
    const people = await Promise.all(Array.from({ length: 12 }, (_, n) => person(site.url, `Guest ${rooms}-${n}`)));
    const act = (who: TestPerson, what: string) =>
      request(site.url).post(`/api/rooms/${slug}/${what}`).set("authorization", `Bearer ${who.token}`).send({});
    for (const who of people) await act(who, "enter").expect(200);
    for (const who of people.slice(1)) await act(who, "leave").expect(200);
    await page.waitForFunction(() => (window as unknown as { said: string[] }).said.length > 0);
    expect(await said()).toEqual(["12 came, 11 left"]);
    await page.reload();
    await isLive(page);
    expect(await page.textContent("#announcer")).toBe("");
    await page.context().close();
  });
});

/** Replaces what makes sounds and notifications by lists of them. */
const listen = (page: Page) =>
  page.evaluate(() => {
    const heard = { sounds: 0, posted: [] as string[], asked: 0 };
    const volume = { setValueAtTime: () => undefined, exponentialRampToValueAtTime: () => undefined };
    const node = { connect: () => undefined, frequency: {}, gain: volume, stop: () => undefined };
    Object.assign(window, {
      heard,
      AudioContext: class {
        state = "running";
        currentTime = 0;
        destination = node;
        createGain = () => node;
        suspend = async () => undefined;
        createOscillator = () => {
          heard.sounds += 1;
          return { ...node, start: () => undefined };
        };
      },
      Notification: class {
        static permission = "default";
        static async requestPermission(): Promise<string> {
          heard.asked += 1;
          return "granted";
        }
        onclick = null;
        constructor(title: string, { body }: { body: string }) {
          heard.posted.push(`${title}: ${body}`);
        }
        close = () => undefined;
      },
    });
  });

const heard = (page: Page) =>
  page.evaluate(() => (window as unknown as { heard: { sounds: number; posted: string[]; asked: number } }).heard);

describe("sound and notifications", () => {
  browserTest("are off until they are chosen, and one tab of several makes them", async () => {
    const { slug, say } = await openRoom();
    const first = await open(slug, `Ann${rooms}`);
    const second = await open(slug, "", first.context());
    for (const page of [first, second]) {
      await listen(page);
      // Nobody looks at either tab.
      await page.evaluate(() => {
        document.hasFocus = () => false;
      });
      await page.evaluate(() => window.dispatchEvent(new Event("blur")));
      await hide(page, true);
    }
    await say("first");
    for (const page of [first, second]) await sees(page, "first");
    for (const page of [first, second]) expect(await heard(page)).toEqual({ sounds: 0, posted: [], asked: 0 });
    await first.click("#settings summary");
    await choose(first, { notify: "all" });
    await choose(first, { sound: "mentions" });
    expect((await heard(first)).asked).toBe(1);
    // The other tab learns of the choice.
    await second.waitForFunction(() => (document.getElementById("notify") as HTMLSelectElement).value === "all");
    const trial = (await heard(first)).sounds;
    expect(trial).toBeGreaterThan(0);
    await say("second");
    for (const page of [first, second]) await sees(page, "second");
    const posted = [...(await heard(first)).posted, ...(await heard(second)).posted];
    expect(posted).toHaveLength(1);
    expect(posted[0]).toContain("second");
    expect((await heard(first)).sounds + (await heard(second)).sounds).toBe(trial);
    await first.context().close();
  });

  browserTest("say so if the browser refuses them, and are not asked for before a press", async () => {
    const { slug } = await openRoom();
    const page = await open(slug);
    await listen(page);
    await page.evaluate(() => {
      const denied = (window as unknown as { Notification: { permission: string; requestPermission: unknown } })
        .Notification;
      denied.requestPermission = async () => {
        denied.permission = "denied";
      };
    });
    expect(await page.textContent("#settings-note")).toBe("");
    await page.click("#settings summary");
    await choose(page, { notify: "mentions" });
    await page.waitForFunction(() => document.getElementById("settings-note")?.textContent?.includes("blocks"));
    await page.context().close();
  });
});

describe("the settings", () => {
  browserTest("turn the log over, for this page and the next, and limit its lines", async () => {
    const { slug, say } = await openRoom();
    await say(...texts(30));
    const page = await open(slug);
    await page.click("#settings summary");
    await choose(page, { order: "newest" });
    const newestFirst = texts(30).reverse();
    expect(await onScreen(page)).toEqual(newestFirst);
    await say("message 31");
    await sees(page, "message 31");
    expect((await onScreen(page)).slice(0, 2)).toEqual(["message 31", "message 30"]);
    expect(await page.evaluate(() => document.getElementById("scroll")?.scrollTop)).toBe(0);
    await choose(page, { lines: "20" });
    await page.keyboard.press("Escape");
    expect(await page.getAttribute("#settings", "open")).toBeNull();
    await page.reload();
    await isLive(page);
    await say("message 32");
    await sees(page, "message 32");
    expect((await onScreen(page))[0]).toBe("message 32");
    // The oldest are dropped a frame later.
    await page.waitForFunction(() => document.querySelectorAll("#log > .message").length === 20);
    // Older ones are at the other end.
    await page.click("#older");
    await sees(page, "message 1");
    expect((await onScreen(page)).at(-1)).toBe("message 1");
    await page.context().close();
  });

  for (const colorScheme of ["light", "dark"] as const)
    browserTest(`have no fault that axe finds, with the unread line and a mention, ${colorScheme}`, async () => {
      const { slug, say } = await openRoom();
      const context = await browser.newContext({ locale: "ja-JP", colorScheme, viewport: { width: 390, height: 844 } });
      const page = await open(slug, "花子", context);
      await hide(page, true);
      await say("花子さん、こんにちは");
      await sees(page, "花子さん、こんにちは");
      await hide(page, false);
      await page.click("#settings summary");
      expect(await faults(page)).toEqual([]);
      await choose(page, { order: "newest" });
      expect(await faults(page)).toEqual([]);
      await context.close();
    });
});
