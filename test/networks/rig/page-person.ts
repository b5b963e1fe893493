import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import type { Kind, Person, Sighting } from "./person.ts";

/** Where Chromium is; CHROMIUM names another place. */
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Whether there is one. */
export function isChromiumHere(): boolean {
  return existsSync(CHROMIUM);
}

/** Starts a Chromium and gives the kind of person that sits before a page in it. */
export async function openPages(): Promise<{ kind: Kind; close(): Promise<void> }> {
  if (!isChromiumHere()) throw new Error(`no Chromium at ${CHROMIUM}: install one, or name it in CHROMIUM`);
  const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"];
  const browser = await chromium.launch({ executablePath: CHROMIUM, args });
  const sit: Kind["sit"] = (url, room, nickname) => sitBefore(browser, url, room, nickname);
  return { kind: { name: "Chromium", sit }, close: () => browser.close() };
}

async function sitBefore(browser: Browser, url: string, room: string, nickname?: string): Promise<Person> {
  const seen: Sighting[] = [];
  const notices = new Set<string>();
  const context = await browser.newContext({ locale: "en-US" });
  const page = await context.newPage();
  await page.exposeFunction("chatteraShown", (seq: number, text: string, atMs: number) => {
    // A page that is loaded again shows its lines again; those are told from doubles by the page itself.
    if (!seen.some((other) => other.seq === seq)) seen.push({ seq, text, atMs });
  });
  await page.exposeFunction("chatteraNotice", (notice: string) => notices.add(notice));
  await page.addInitScript({ content: WATCH });
  const place = `${url}/rooms/${room}`;
  await open(page, place, ALIVE);
  if (nickname !== undefined) await enter(page, place, nickname);
  let said = Promise.resolve();
  return {
    seen,
    lastLook: async () => {
      seen.push(...(await wrongLines(page)));
      const transport = await page.getAttribute("#connection", "data-transport");
      return { transport: transport ?? "", notices: [...notices] };
    },
    say: (text) => {
      said = said.then(() => type(page, text)).catch((error: Error) => void notices.add(error.message));
      return said;
    },
    close: () => context.close(),
  };
}

/** The script has come and the connection stands. */
const ALIVE = "#connection[data-state=live], #connection[data-state=slow]";

/** A person whose page does not come, or does not come to life, loads it again. */
async function open(page: Page, url: string, awaited: string): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    try {
      await page.goto(url, { timeout: 10_000, waitUntil: "commit" });
      await page.waitForSelector(awaited, { timeout: 8_000 });
      return;
    } catch {
      await page.waitForTimeout(500);
    }
  }
  throw new Error(`no page came to life from ${url}`);
}

/** And one who is shown something else after entering goes back. */
async function enter(page: Page, url: string, nickname: string): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    await page.fill("#enter [name=nickname]", nickname);
    await page.press("#enter [name=nickname]", "Enter");
    const isIn = page.waitForSelector("#say [name=text]", { timeout: 10_000 });
    if (await isIn.catch(() => undefined)) return;
    await open(page, url, ALIVE);
    if (await page.isVisible("#say [name=text]")) return;
  }
  throw new Error(`nobody could enter ${url}`);
}

async function type(page: Page, text: string): Promise<void> {
  await page.fill("#say [name=text]", text);
  await page.press("#say [name=text]", "Enter");
}

/** Lines that stand in the log twice or not in order, as sightings that will be counted as what they are. */
async function wrongLines(page: Page): Promise<Sighting[]> {
  const lines = (await page.evaluate(LINES)) as { seq: number; text: string }[];
  return lines
    .filter(({ seq }, n) => n > 0 && seq <= (lines[n - 1]?.seq ?? 0))
    .map((line) => ({ ...line, atMs: Date.now() }));
}

const LINES = `[...document.querySelectorAll("#log [data-seq]")].map((line) => ({
  seq: Number(line.dataset.seq), text: line.querySelector(".text")?.textContent ?? "" }))`;

/** In the page: tells of each line that is acknowledged, and of each state of the connection line. */
const WATCH = `(() => {
  const told = new Set();
  const look = () => {
    for (const line of document.querySelectorAll("#log [data-seq]:not(.pending)")) {
      if (told.has(line)) continue;
      told.add(line);
      chatteraShown(Number(line.dataset.seq), line.querySelector(".text")?.textContent ?? "", Date.now());
    }
    const state = document.querySelector("#connection")?.dataset.state;
    if (state) chatteraNotice(state);
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
})()`;
