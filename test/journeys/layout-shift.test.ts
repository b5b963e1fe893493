import { Transform } from "node:stream";
import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import request from "supertest";
import type { Running } from "../networks/rig/network.ts";
import { openProxy, ownAnswer, type ProxyAnswer } from "../networks/rig/proxy.ts";
import { clientId, person, say, sayAll, type TestPerson } from "../support/app.ts";
import { type BadProxy, openBadProxy } from "../support/bad-proxy.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { query } from "../support/database.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();
let network: Running;
let cable: BadProxy;
/** Messages cannot be sent: a proxy on the way is out of order. Pages and events still arrive. */
let isOut = false;
/** A newer version of the site seems to have been deployed. */
let isRenewed = false;

beforeAll(async () => {
  network = await openProxy(site.url, async (asked, pass) => {
    if (isOut && asked.path.includes("/messages") && asked.method === "POST") return ownAnswer(503, "Out of order");
    const answer = await pass(asked);
    return isRenewed && asked.path.includes("/api/events") ? renewed(answer) : answer;
  });
  cable = await openBadProxy(network.url);
});

function renewed(answer: ProxyAnswer): ProxyAnswer {
  const change = new Transform({
    transform: (piece, _encoding, done) => done(null, String(piece).replace('"protocol":2', '"protocol":3')),
  });
  return { ...answer, body: answer.body.pipe(change) };
}

afterAll(async () => {
  await cable.close();
  await network.close();
});

const AFTER_PRESS = "after a press: ";

/** Keeps what Chromium reports as a shift, also that which it excuses because of a key. */
const WATCH = `
  window.shifts = [];
  const note = (entries) => {
    for (const { value, hadRecentInput, sources } of entries)
      shifts.push((hadRecentInput ? "${AFTER_PRESS}" : "") + value.toFixed(4) + " " + sources.map(({ node, previousRect: from, currentRect: to }) =>
        (node?.id || node?.className || node?.nodeName) + " " + [from.x, from.y, from.height].map(Math.round) + " to " + [to.x, to.y, to.height].map(Math.round)).join(", "));
  };
  const observer = new PerformanceObserver((list) => note(list.getEntries()));
  observer.observe({ type: "layout-shift" });
  window.takeShifts = async () => {
    // A shift is found when a frame is painted. A busy room's changes are 250 ms apart.
    for (let n = 0; n < 25; n++) await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    note(observer.takeRecords());
    return shifts.splice(0);
  };
`;

type Room = { slug: string; owner: TestPerson };

/** Makes a room whose messages are of an earlier day. */
async function openRoom(name: string, count: number): Promise<Room> {
  const owner = await person(site.url, `Owner of ${name}`);
  const slug = `shift-${name}`;
  await post(owner, "/api/rooms", { slug }).expect(201);
  const texts = Array.from({ length: count }, (_, n) => `message ${n}`);
  await sayAll(site.url, owner, { texts, room: slug });
  await query(site.databaseUrl, "update chattera.events set at = at - interval '2 days'");
  return { slug, owner };
}

function post(who: TestPerson, path: string, body: object = {}) {
  return request(site.url).post(path).set("authorization", `Bearer ${who.token}`).send(body);
}

async function enter(page: Page, room: string, nickname: string): Promise<void> {
  await page.goto(cable.through(`${network.url}/rooms/${room}`));
  await page.fill("#enter [name=nickname]", nickname);
  await page.press("#enter [name=nickname]", "Enter");
  await page.waitForSelector("#say");
  await page.waitForSelector('#connection[data-state="live"][data-transport="sse"]');
}

async function write(page: Page, words: string): Promise<void> {
  await page.fill("#say [name=text]", words);
  await page.press("#say [name=text]", "Enter");
}

const sees = (page: Page, words: string) =>
  page.waitForSelector(`#log [data-seq]:not(.pending) .text:text-is("${words}")`, { state: "attached" });

/** Returns the shifts since the last call, those of the last frames included. */
const takeShifts = (page: Page) => page.evaluate("takeShifts()") as Promise<string[]>;

type Scene = { page: Page; room: Room; ben: TestPerson };

/** Says something while the page is hidden. */
async function leaveUnread({ page, room, ben }: Scene, texts: string[]): Promise<void> {
  const look = (isHidden: boolean) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, isHidden);
  await look(true);
  for (const text of texts) await say(site.url, ben, { text, room: room.slug });
  const first = `.message:has-text("${texts[0]}")`;
  await page.waitForSelector(`#log :has(> #unread) + ${first}, #log ${first} + :has(> #unread)`);
  await look(false);
}

/** Changes of the page that its reader has not caused. */
const SCENES: { [what: string]: (scene: Scene) => Promise<unknown> } = {
  "the first message of a day": async ({ page, room, ben }) => {
    await say(site.url, ben, { text: "after a pause", room: room.slug });
    await sees(page, "after a pause");
  },
  "lines of other heights": async ({ page, room, ben }) => {
    for (const [n, words] of ["one", "two", "three\nlines\nof it", "four"].entries()) {
      await say(site.url, n % 2 ? ben : room.owner, { text: words, room: room.slug });
      await page.waitForFunction(
        (text) => [...document.querySelectorAll("#log .text")].some((one) => one.textContent === text),
        words,
      );
    }
  },
  "twenty messages a second": async ({ page, room, ben }) => {
    for (let n = 0; n < 40; n += 1) {
      void say(site.url, n % 3 ? ben : room.owner, { text: `busy ${n}`, room: room.slug });
      await page.waitForTimeout(50);
    }
    await sees(page, "busy 39");
  },
  "coming and going": async ({ page, room }) => {
    for (let n = 0; n < 6; n += 1) {
      const guest = await person(site.url, `${room.slug} ${n}`);
      await post(guest, `/api/rooms/${room.slug}/enter`);
      if (n % 2) await post(guest, `/api/rooms/${room.slug}/leave`);
    }
    await page.waitForSelector("#log .folded");
  },
  "a fold that is opened and closed": async ({ page }) => {
    for (let n = 0; n < 2; n += 1) await page.locator("#log .folded summary").last().click();
    const shifts = await takeShifts(page);
    expect(shifts.filter((shift) => !shift.startsWith(AFTER_PRESS))).toEqual([]);
  },
  typing: async ({ page, room }) => {
    const cleo = await person(site.url, `C of ${room.slug}`);
    await post(cleo, `/api/rooms/${room.slug}/enter`);
    await post(cleo, `/api/rooms/${room.slug}/typing`);
    await page.waitForFunction(() => document.getElementById("typing")?.textContent !== "");
    await say(site.url, cleo, { text: "typed", room: room.slug });
    await page.waitForFunction(() => document.getElementById("typing")?.textContent === "");
  },
  "an edited message": async ({ page, room: { slug }, ben }) => {
    const { event } = await say(site.url, ben, { text: "to be longer", room: slug });
    await sees(page, "to be longer");
    await takeShifts(page);
    await post(ben, `/api/rooms/${slug}/messages/${event.seq}/edit`, { id: clientId(), text: "a\nb\nc\nd" });
    await page.waitForSelector(`#log [data-seq="${event.seq}"]:has-text("b")`);
  },
  "an erased message": async ({ page, room: { slug }, ben }) => {
    const { event } = await say(site.url, ben, { text: "to be erased\nwith three\nlines", room: slug });
    await page.waitForSelector(`#log [data-seq="${event.seq}"]`);
    await takeShifts(page);
    await post(ben, `/api/rooms/${slug}/messages/${event.seq}/erase`, { id: clientId() });
    await page.waitForSelector(`#log [data-seq="${event.seq}"].erased`);
  },
  "an own message": async ({ page }) => {
    await write(page, "mine");
    await sees(page, "mine");
  },
  "an own message that waits": async ({ page }) => {
    isOut = true;
    await write(page, "waiting");
    await page.waitForSelector("#log .kept button");
    isOut = false;
    await sees(page, "waiting");
  },
  "a network that is away for a while": async ({ page }) => {
    await cable.refuse();
    await page.waitForSelector('#connection[data-state="offline"]');
    await cable.pass();
    await page.waitForSelector('#connection[data-state="live"]');
  },
  "unread messages": async (scene) => {
    await leaveUnread(scene, ["unread one", "unread two"]);
    await say(site.url, scene.ben, { text: "after it", room: scene.room.slug });
    await sees(scene.page, "after it");
  },
  "unread messages again, further down": async (scene) => {
    await leaveUnread(scene, ["unread three"]);
  },
  "an answer to unread messages": async ({ page }) => {
    await write(page, "an answer");
    await sees(page, "an answer");
    await page.waitForSelector("#unread", { state: "detached" });
  },
  "an answer from elsewhere": async (scene) => {
    const { page, room } = scene;
    await leaveUnread(scene, ["unread four"]);
    const sent = { id: clientId(), text: "from elsewhere" };
    await page.evaluate(
      ({ path, body }) => fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body }),
      { path: `/api/rooms/${room.slug}/messages`, body: JSON.stringify(sent) },
    );
    await page.waitForSelector("#unread", { state: "detached" });
    await sees(page, "from elsewhere");
  },
  "an announcement and limits": async ({ page, room: { slug, owner } }) => {
    await post(owner, `/api/rooms/${slug}/settings`, { pinned: "Be kind, all of you." }).expect(200);
    await page.waitForSelector("#pinned", { state: "visible" });
    await post(owner, `/api/rooms/${slug}/settings`, { pinned: "" }).expect(200);
    await page.waitForSelector("#pinned", { state: "hidden" });
    await post(owner, `/api/rooms/${slug}/settings`, { slowSeconds: 5 }).expect(200);
    await page.waitForSelector("#room-limits", { state: "visible" });
  },
  "older lines": async ({ page }) => {
    if (!(await page.isVisible("#older"))) return;
    const before = await page.locator("#log .message").count();
    // Older lines that arrive in the frame of a long way there would count with it.
    const scroll = (px: number) =>
      page.evaluate((fromOlder) => {
        const box = document.getElementById("scroll") as HTMLElement;
        const isTurned = document.querySelector(".newest-on-top") !== null;
        box.scrollTop = isTurned ? box.scrollHeight - box.clientHeight - fromOlder : fromOlder;
      }, px);
    await scroll(900);
    expect(await takeShifts(page)).toEqual([]);
    await scroll(300);
    await page.waitForFunction((count) => document.querySelectorAll("#log .message").length > count, before);
  },
  "a newer version of the site": async ({ page }) => {
    isRenewed = true;
    cable.cut();
    await page.waitForSelector("#renewed");
    isRenewed = false;
  },
};

const REASON = "it does not report shifts of the layout";

const VIEWS = {
  wide: { viewport: { width: 1280, height: 800 }, count: 505, order: "oldest" },
  phone: { viewport: { width: 390, height: 700 }, count: 3, order: "oldest" },
  turned: { viewport: { width: 390, height: 700 }, count: 60, order: "newest" },
};

describe.each([
  ["a log that is full, on a wide screen", "wide"],
  ["a short log, on a phone", "phone"],
  ["a log with the newest line on top", "turned"],
] as const)("%s", (_, name) => {
  const { viewport, count, order } = VIEWS[name];
  browserTest(
    "moves only by scrolling, whatever happens",
    { except: { Firefox: REASON, WebKit: REASON } },
    async () => {
      const room = await openRoom(name, count);
      const ben = await person(site.url, `Ben of ${name}`);
      const page = await browser.newPage({ locale: "en-US", viewport });
      const host = new URL(cable.through(network.url));
      await page.context().addCookies([{ name: "order", value: order, url: host.href }]);
      await enter(page, room.slug, "Ann");
      expect(await page.locator(".newest-on-top").count()).toBe(order === "newest" ? 1 : 0);
      await page.evaluate(WATCH);
      for (const [what, happens] of Object.entries(SCENES)) {
        await happens({ page, room, ben });
        expect([what, await takeShifts(page)]).toEqual([what, []]);
      }
      await page.context().close();
    },
    90_000,
  );
});
