import { afterAll, beforeAll, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import type { Misbehaviour } from "../networks/rig/proxy.ts";
import { isPost, refuse } from "../networks/rig/refuse.ts";
import { strip } from "../networks/rig/strip.ts";
import { person, say, sayAll } from "../support/app.ts";
import { browserTest, isWhole, type PageUser, useBrowser } from "../support/browser.ts";
import { addScript } from "../support/change-pages.ts";
import { enterOldRoom, type OldSite, openOldRoom, openOldSite } from "../support/old-browser.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

// HtmlUnit's Internet Explorer (test/legacy) cannot read streams. Here Chromium runs the same
// program, like a browser without modules.

const browser = useBrowser();
const site = useSite();
let old: OldSite;

beforeAll(async () => {
  old = await openOldSite(site.url);
});

afterAll(() => old?.close());

/** [IE6–9] A document outside the page, and elements with attachEvent. It runs in the page. */
function provideHtmlfile(): void {
  if (window !== top) return;
  Object.assign(window, {
    ActiveXObject: function htmlfile() {
      const box = document.createElement("iframe");
      document.documentElement.append(box);
      const { contentDocument, contentWindow } = box;
      const { prototype } = (contentWindow as unknown as { HTMLElement: typeof HTMLElement }).HTMLElement;
      Object.assign(prototype, {
        attachEvent(this: HTMLElement, name: string, run: () => void) {
          this.addEventListener(name.slice(2), run);
        },
      });
      return Object.assign(contentDocument as Document, { parentWindow: contentWindow });
    },
  });
}

const NO_REQUESTS = "delete window.XMLHttpRequest";
const RECORD_ERRORS = "window.errors = []; addEventListener('error', ({ message }) => message && errors.push(message))";

const enter = (page: Page, nickname: string) => enterOldRoom(page, `${old.url}/rooms/lobby`, nickname);

async function talks(page: Page, friend: PageUser, text: string): Promise<void> {
  await page.fill("#say [name=text]", text);
  await page.press("#say [name=text]", "Enter");
  await friend.sees(text);
  await friend.say(`${text}?`);
  await page.waitForSelector(`#log [data-seq]:not(.pending) .text:text-is("${text}?")`);
  await page.waitForFunction(() => document.querySelector("#log .pending") === null);
  const seqs = () =>
    page.$$eval("#log [data-seq]", (lines) => lines.map((line) => Number(line.getAttribute("data-seq"))));
  // A receipt may overtake the event before it.
  await until("no seq is missing or out of order", async () => isWhole(await seqs()));
}

browserTest(
  "an old browser's full log stays at the newest line, and does not move while older ones are read and added",
  async () => {
    const context = await browser.newContext({ locale: "en-US" });
    const page = await context.newPage();
    await enter(page, "Ned");
    const filler = await person(site.url, "Filler");
    const fill = async (count: number) => {
      const last = await sayAll(site.url, filler, { texts: Array.from({ length: count + 1 }, () => "filled") });
      await page.waitForSelector(`#log [data-seq="${last}"]`);
    };
    const belowPx = () =>
      page.$eval("#scroll", (box) => Math.round(box.scrollHeight - box.scrollTop - box.clientHeight));
    await fill(220);
    expect(await page.locator("#log [data-seq]").count()).toBe(200);
    expect(await belowPx()).toBeLessThan(5);
    const oldest = Number(await page.getAttribute("#log [data-seq]", "data-seq"));
    const topOf = () => page.$eval(`#log [data-seq="${oldest}"]`, (line) => line.getBoundingClientRect().top);
    const before = await page.$eval("#scroll", (box) => {
      box.scrollTop = 0;
      return box.querySelector("[data-seq]")?.getBoundingClientRect().top as number;
    });
    await page.waitForSelector(`#log [data-seq="${oldest - 1}"]`);
    expect(Math.abs((await topOf()) - before)).toBeLessThan(5);
    await fill(5);
    expect(Math.abs((await topOf()) - before)).toBeLessThan(5);
    await page.setViewportSize({ width: 500, height: 600 });
    expect(Math.abs((await topOf()) - before)).toBeLessThan(100);
    await context.close();
  },
  30_000,
);

browserTest(
  "an old browser's message field has the focus after entering, gets what is typed on the page, and keeps spaces",
  async () => {
    const context = await browser.newContext({ locale: "en-US" });
    const page = await context.newPage();
    const active = () => page.evaluate(() => document.activeElement?.id);
    const blur = () => page.evaluate(() => (document.activeElement as HTMLElement).blur());
    const value = () => page.inputValue("#say [name=text]");
    await enter(page, "Typist");
    expect(await active()).toBe("text");
    await blur();
    await page.keyboard.type("Hi!");
    expect(await value()).toBe("Hi!");
    await page.focus("#scroll");
    for (const key of ["Control+c", "Alt+x", "ArrowUp", "F2", "Shift", "Space"]) await page.keyboard.press(key);
    expect(await active()).toBe("scroll");
    await page.click("#say button");
    await page.keyboard.type("typed on");
    expect(await value()).toBe("typed on");
    const art = "　　∧＿∧\n　（　´∀｀）";
    await page.fill("#say [name=text]", `\n　\n${art} \n　`);
    await page.press("#say [name=text]", "Control+Enter");
    // The line break is an element.
    await page.waitForFunction(
      (lines) =>
        [...document.querySelectorAll("#log [data-seq] .text")].some((text) => text.textContent === lines.join("")),
      art.split("\n"),
    );
    await page.fill("#say [name=text]", "　\n ");
    await page.press("#say [name=text]", "Enter");
    expect(await page.locator("#log .pending").count()).toBe(0);
    await page.reload();
    await page.waitForFunction(() => document.activeElement?.id === "text");
    await context.close();
  },
  30_000,
);

browserTest(
  "an old browser with a touch screen does not take the focus, and keeps it when the button is tapped",
  { except: { Firefox: "tests cannot give it a touch screen", WebKit: "tests cannot give it a touch screen" } },
  async () => {
    const context = await browser.newContext({ locale: "en-US", hasTouch: true });
    const page = await context.newPage();
    const active = () => page.evaluate(() => document.activeElement?.id);
    await enter(page, "Finger");
    expect(await active()).toBe("");
    await page.tap("#say [name=text]");
    await page.keyboard.type("by finger");
    await page.tap("#say button");
    await page.waitForSelector('#log [data-seq]:not(.pending) .text:text-is("by finger")');
    expect(await active()).toBe("text");
    await context.close();
  },
  30_000,
);

const THROWS = "function () { throw new Error('Access is denied.'); }";

browserTest.each([
  ["is missing", NO_REQUESTS],
  ["throws", `window.XMLHttpRequest = ${THROWS}`],
  ["cannot be opened", `XMLHttpRequest.prototype.open = ${THROWS}`],
  ["cannot be sent", `XMLHttpRequest.prototype.send = ${THROWS}`],
])(
  "an old browser whose XMLHttpRequest %s, and that entered by the lobby's form, sends by the room's form",
  async (how, script) => {
    const silent = await openOldSite(site.url, addScript(script));
    const context = await browser.newContext({ locale: "en-US" });
    const page = await context.newPage();
    const friend = await browser.sit(site.url, `F ${how}`);
    await page.goto(`${silent.url}/`);
    await page.fill("#enter [name=nickname]", `M ${how}`);
    await page.click("#enter button[name=room][value=lobby]");
    await page.waitForSelector('#connection[data-transport="jsonp"]');
    await friend.say(`question, ${how}`);
    const question = page.locator(`#log [data-seq]:has-text("question, ${how}")`);
    await question.waitFor();
    const own = (text: string) => page.waitForSelector(`#log .own .text:text-is("${text}")`);
    await page.fill("#say [name=text]", `by the button, ${how}`);
    await page.click("#say button[type=submit]");
    await own(`by the button, ${how}`);
    await friend.sees(`by the button, ${how}`);
    await page.waitForSelector('#connection[data-transport="jsonp"]');
    expect(await page.inputValue("#say [name=text]")).toBe("");
    await page.fill("#say [name=text]", `by a key, ${how}`);
    await page.press("#say [name=text]", "Enter");
    await own(`by a key, ${how}`);
    await context.close();
    await friend.page.context().close();
    await silent.close();
  },
  60_000,
);

for (const [name, how, transport, { script = "", network = [] }] of [
  ["Ann", "by a request that is read as it grows", "stream", {}],
  [
    "Bob",
    "by an endless frame, as Internet Explorer before 10",
    "frame",
    // [CSP] It has none. The site's forbids frames in the pages of other browsers.
    { script: `(${provideHtmlfile})()`, network: [strip("content-security-policy")] },
  ],
  ["Eve", "by script elements, where ActiveX and its own requests are switched off", "jsonp", { script: NO_REQUESTS }],
  ["健太", "by addresses alone, where no POST passes", "stream", { network: [refuse(403, isPost)] }],
] satisfies [string, string, string, { script?: string; network?: Misbehaviour[] }][]) {
  browserTest(
    `an old browser talks ${how}`,
    async () => {
      const dressed = await openOldSite(site.url, addScript(`${RECORD_ERRORS};${script}`), ...network);
      const page = await browser.newPage({ locale: "en-US" });
      const friend = await browser.sit(site.url, `Friend of ${name}`);
      await enterOldRoom(page, `${dressed.url}/rooms/lobby`, name);
      await page.waitForSelector(`#connection[data-transport="${transport}"]`);
      await talks(page, friend, `hello <b> ${how}`);
      expect(await page.textContent("#members")).toContain(`Friend of ${name}`);
      expect(await page.evaluate("window.errors")).toEqual([]);
      await page.context().close();
      await friend.page.context().close();
      await dressed.close();
    },
    60_000,
  );
}

browserTest("folds a tall message, and shows texts in their own direction, of the server and of its own", async () => {
  const author = await person(site.url, "Art");
  const context = await browser.newContext({ locale: "en-US" });
  const page = await context.newPage();
  const tall = `a${"\n".repeat(100)}b`;
  const before = [(await say(site.url, author, tall)).event.seq, (await say(site.url, author, "שלום!")).event.seq];
  await openOldRoom(page, `${old.url}/rooms/lobby`);
  const after = [(await say(site.url, author, tall)).event.seq, (await say(site.url, author, "שלום!")).event.seq];
  await page.waitForSelector(`#log [data-seq="${after[1]}"]`);
  for (const [folded, hebrew] of [before, after]) {
    const line = page.locator(`#log [data-seq="${folded}"]`);
    const height = async () => (await line.boundingBox())?.height ?? 0;
    expect(await height()).toBeLessThan(500);
    await line.getByText("Show all").click();
    expect(await height()).toBeGreaterThan(2_000);
    await line.getByText("Show less").click();
    expect(await height()).toBeLessThan(500);
    expect(await page.getAttribute(`#log [data-seq="${hebrew}"] .text`, "dir")).toBe("rtl");
  }
  await context.close();
});
