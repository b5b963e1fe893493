import { afterAll, beforeAll, expect } from "@jest/globals";
import request from "supertest";
import { person, say, sayAll } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { type OldSite, openOldSite } from "../support/old-browser.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite({ themeLight: ["accent=#0b57d0", "paper=#eef2f7"], themeDark: ["accent=#9cc0ee"] });
let old: OldSite;

beforeAll(async () => {
  old = await openOldSite(site.url);
  const ann = await person(site.url, "Ann");
  const ben = await person(site.url, "Ben");
  for (const act of ["enter", "leave", "enter", "leave", "enter"])
    await request(site.url).post(`/api/rooms/lobby/${act}`).set("authorization", `Bearer ${ben.token}`).expect(200);
  await sayAll(site.url, ann, { texts: Array.from({ length: 40 }, (_, n) => `message ${n}, https://example.org/`) });
  await say(site.url, ben, `tall${"\nline".repeat(60)}`);
});

afterAll(() => old?.close());

/** Returns how a page is printed: what is left of it, and in which colors. It runs in the page. */
function printed() {
  const shown = (selector: string) =>
    [...document.querySelectorAll<HTMLElement>(selector)].filter((element) => {
      const { width, height } = element.getBoundingClientRect();
      return width > 1 && height > 1;
    });
  const box = document.getElementById("log") as HTMLElement;
  const title = [...document.querySelectorAll<HTMLElement>("h1")].map(({ textContent }) => textContent).join();
  const painted = [...shown("html, body, main, #scroll, #log, #log *, h1")].map((element) => getComputedStyle(element));
  const lines = [...document.querySelectorAll("#log .message")];
  return {
    title,
    controls: shown("button, input, textarea, select, nav, iframe, .button, .act, #connection, #members").map(
      ({ outerHTML }) => outerHTML,
    ),
    inks: [...new Set(painted.map(({ color }) => color))],
    papers: [...new Set(painted.map(({ backgroundColor }) => backgroundColor))].filter(
      (color) => color !== "rgba(0, 0, 0, 0)",
    ),
    messages: lines.filter((line) => line.getBoundingClientRect().height > 10).length,
    hiddenPx: [box, ...shown(".log-scroll, .room, body, .text")]
      .filter((element) => getComputedStyle(element).overflowY !== "visible" || element === document.body)
      .map((element) => element.scrollHeight - element.clientHeight)
      .reduce((most, px) => Math.max(most, px), 0),
    isWhole: document.documentElement.scrollHeight + 1 > box.getBoundingClientRect().bottom + scrollY,
  };
}

browserTest.each([
  ["with the script", { path: "/rooms/lobby" }],
  ["in the dark, with the newest line on top", { path: "/rooms/lobby", isDark: true, isTurned: true }],
  ["at one message", { path: "/rooms/lobby/20" }],
  ["in an old browser", { path: "/rooms/lobby", isOld: true }],
  ["without script", { path: "/rooms/lobby", hasScript: false }],
  ["without script, as it grows", { path: "/rooms/lobby/live", hasScript: false }],
  ["without script, as it refreshes", { path: "/rooms/lobby/live;refresh=20", hasScript: false }],
] as [string, { path: string; isDark?: true; isTurned?: true; isOld?: true; hasScript?: false }][])(
  "a room is printed as its log, black on white (%s)",
  { needs: ["devtools"] },
  async (_, { path, isDark, isTurned, isOld, hasScript = true }) => {
    const { url } = isOld ? old : site;
    const colorScheme = isDark ? "dark" : "light";
    const context = await browser.newContext({ locale: "en-US", javaScriptEnabled: hasScript, colorScheme });
    if (isTurned) await context.addCookies([{ name: "order", value: "newest", url }]);
    const page = await context.newPage();
    await page.goto(url + path, { waitUntil: "commit" });
    await page.waitForSelector('#log .message:has-text("tall")');
    if (hasScript) await page.waitForSelector('#connection[data-state="live"]');
    await page.emulateMedia({ media: "print" });
    const paper = await page.evaluate(printed);
    expect(paper).toEqual({
      title: "Lobby",
      controls: [],
      inks: ["rgb(0, 0, 0)"],
      papers: ["rgb(255, 255, 255)"],
      messages: await page.locator("#log .message").count(),
      hiddenPx: 0,
      isWhole: true,
    });
    expect(paper.messages).toBeGreaterThan(39);
    await context.close();
  },
  60_000,
);
