import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import request from "supertest";
import type { Running } from "../networks/rig/network.ts";
import { type Misbehaviour, openProxy } from "../networks/rig/proxy.ts";
import { isPost, refuse } from "../networks/rig/refuse.ts";
import { strip } from "../networks/rig/strip.ts";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { addScript } from "../support/change-pages.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite({ graceSeconds: 3 });

const noCookies = strip("cookie", "set-cookie");
const noPosts = refuse(403, isPost);
const NETWORKS: { [name: string]: Misbehaviour[] } = {
  "lets everything through": [],
  "loses cookies": [noCookies],
  "blocks POST": [noPosts],
  "blocks POST and loses cookies": [noPosts, noCookies],
};

async function open(network: Running, path: string): Promise<Page> {
  const context = await browser.newContext({ locale: "en-US" });
  const page = await context.newPage();
  await page.goto(network.url + path);
  return page;
}

async function write(page: Page, text: string): Promise<void> {
  await page.fill("#say [name=text]", text);
  await page.press("#say [name=text]", "Enter");
}

async function sees(page: Page, text: string): Promise<void> {
  await page.waitForSelector(`#log [data-seq]:not(.pending) .text:text-is("${text}")`, { timeout: 15_000 });
}

const isMember = (page: Page) => page.waitForSelector("#say [name=text]", { timeout: 30_000 });

async function saidBy(nickname: string): Promise<string[]> {
  const { body } = await request(site.url).get("/api/rooms/lobby/messages?limit=200");
  return body.events
    .filter((event: { kind: string; member: { nickname: string } }) => event.member.nickname === nickname)
    .map(({ kind, text = kind }: { kind: string; text?: string }) => text);
}

for (const [name, misbehaviours] of Object.entries(NETWORKS))
  describe(`where the network ${name}, a person`, () => {
    let network: Running;
    beforeAll(async () => {
      network = await openProxy(site.url, ...misbehaviours);
    });
    afterAll(() => network.close());

    browserTest(
      "enters a room by its page, sends messages, is the same person after a reload, and leaves",
      async () => {
        const nickname = `A${name.length}`;
        const page = await open(network, "/rooms/lobby");
        await page.fill("#enter [name=nickname]", nickname);
        await page.press("#enter [name=nickname]", "Enter");
        await isMember(page);
        await write(page, `${name} one`);
        await sees(page, `${name} one`);
        await page.reload();
        await isMember(page);
        await write(page, `${name} two`);
        await sees(page, `${name} two`);
        const log = await saidBy(nickname);
        expect(log).toEqual(["enter", `${name} one`, `${name} two`]);
        await page.click("form.leave button");
        await page.waitForSelector(".lobby");
        await page.goto(`${network.url}/rooms/lobby`);
        await page.waitForSelector("#enter");
        await page.waitForSelector(`#log .leave:has-text("${nickname}")`, { state: "attached", timeout: 15_000 });
        await page.context().close();
      },
      60_000,
    );

    browserTest(
      "enters by the lobby, and is shown a sentence if the nickname is taken",
      async () => {
        const nickname = `B${name.length}`;
        const taken = await person(site.url, `C${name.length}`);
        await say(site.url, taken, "I am here");
        // An open stream keeps the nickname taken.
        const stream = new AbortController();
        await fetch(`${site.url}/api/events?room=lobby&token=${taken.token}`, { signal: stream.signal });
        const page = await open(network, "/");
        await page.fill("#enter [name=nickname]", taken.nickname);
        await page.click("#enter button[name=room][value=lobby]");
        await page.waitForSelector("#problem, #say [name=text]");
        // Where POST is blocked, the first message enters the room, so the refusal appears only
        // then.
        if (misbehaviours.includes(noPosts)) {
          await isMember(page);
          await write(page, "am I Ann?");
          await page.waitForSelector("#enter", { timeout: 15_000 });
          await page.waitForSelector('#log .refused:has-text("using that nickname")');
        } else {
          await page.waitForSelector('#problem:has-text("using that nickname")');
          await page.fill("#enter [name=nickname]", nickname);
          await page.click("#enter button[name=room][value=lobby]");
          await isMember(page);
          await write(page, `${name} three`);
          await sees(page, `${name} three`);
          expect(await saidBy(nickname)).toEqual(["enter", `${name} three`]);
        }
        stream.abort();
        await page.context().close();
      },
      60_000,
    );
  });

const BLOCKED = () => {
  for (const area of ["localStorage", "sessionStorage"])
    Object.defineProperty(window, area, {
      get() {
        throw new DOMException("Access is denied for this document.", "SecurityError");
      },
    });
};

const FULL = () => {
  Storage.prototype.setItem = () => {
    throw new DOMException("The quota has been exceeded.", "QuotaExceededError");
  };
};

describe.each([
  ["forbids storage and cookies", BLOCKED, [noCookies]],
  ["has full storage and forbids cookies", FULL, [noCookies]],
  ["forbids storage only", BLOCKED, []],
] as const)("where the browser %s, a person", (name, script, misbehaviours) => {
  let network: Running;
  beforeAll(async () => {
    network = await openProxy(site.url, addScript(`(${script})()`), ...misbehaviours);
  });
  afterAll(() => network.close());

  browserTest(
    "enters by the room's page, talks and leaves, and no ghost keeps the nickname",
    async () => {
      const nickname = `D${name.length}`;
      const page = await open(network, "/rooms/lobby");
      await page.fill("#enter [name=nickname]", nickname);
      await page.press("#enter [name=nickname]", "Enter");
      await isMember(page);
      await write(page, `${name} one`);
      await sees(page, `${name} one`);
      await page.waitForSelector('#people-figures:has-text("1 here, 0 watching")');
      expect(await saidBy(nickname)).toEqual(["enter", `${name} one`]);
      if (misbehaviours.length > 0) {
        await page.reload();
        await page.fill("#enter [name=nickname]", nickname);
        await page.press("#enter [name=nickname]", "Enter");
      } else await page.reload();
      await isMember(page);
      await write(page, `${name} two`);
      await sees(page, `${name} two`);
      await page.click("form.leave button");
      await page.waitForSelector(".lobby");
      await page.goto(`${network.url}/rooms/lobby`);
      await page.waitForSelector(`#log .leave:has-text("${nickname}")`, { state: "attached", timeout: 15_000 });
      await page.context().close();
    },
    60_000,
  );

  browserTest(
    "enters by the lobby, talks, and comes back to the lobby",
    async () => {
      const nickname = `E${name.length}`;
      const page = await open(network, "/");
      await page.fill("#enter [name=nickname]", nickname);
      await page.click("#enter button[name=room][value=lobby]");
      await isMember(page);
      expect(new URL(page.url()).pathname).toBe("/rooms/lobby");
      await write(page, `${name} three`);
      await sees(page, `${name} three`);
      expect(await saidBy(nickname)).toEqual(["enter", `${name} three`]);
      await page.goBack();
      await page.waitForSelector(".lobby");
      await page.context().close();
    },
    60_000,
  );
});

/** Counts the listeners on the document and the window that are still there. */
const COUNTING = () => {
  const added: { type: string; signal?: AbortSignal | undefined }[] = [];
  const { addEventListener } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function (type, listener, options) {
    const { signal } = typeof options === "object" ? options : {};
    if (this === window || this === document) added.push({ type, signal });
    addEventListener.call(this, type, listener, options);
  };
  const count = (type: string) => added.filter((one) => one.type === type && !one.signal?.aborted).length;
  Object.assign(window, { listenersOf: count });
};

browserTest(
  "where the browser forbids storage, the visitor's page leaves no listeners behind when its reader enters",
  { needs: ["init scripts"] },
  async () => {
    const context = await browser.newContext({ locale: "en-US" });
    for (const script of [BLOCKED, COUNTING]) await context.addInitScript(script);
    const page = await context.newPage();
    await page.goto(`${site.url}/rooms/lobby`);
    await page.fill("#enter [name=nickname]", "Listened to");
    await page.press("#enter [name=nickname]", "Enter");
    await isMember(page);
    await write(page, "in another page of the same document");
    await sees(page, "in another page of the same document");
    const counts = await page.evaluate(
      (all) => all.map((type) => (window as unknown as { listenersOf(type: string): number }).listenersOf(type)),
      ["copy", "freeze", "offline"],
    );
    expect(counts).toEqual([1, 1, 1]);
    await context.close();
  },
  60_000,
);
