import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import type { Kind, Participant, Sighting } from "./person.ts";

/** The path of Chromium, unless CHROMIUM names another one. */
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Returns whether Chromium is installed. */
export function isChromiumHere(): boolean {
  return existsSync(CHROMIUM);
}

/** Starts Chromium. Returns the kind of client that uses pages in it. */
export async function openPages(): Promise<{ kind: Kind; close(): Promise<void> }> {
  if (!isChromiumHere()) throw new Error(`no Chromium at ${CHROMIUM}: install one, or name it in CHROMIUM`);
  const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"];
  const browser = await chromium.launch({ executablePath: CHROMIUM, args });
  const join: Kind["join"] = (url, room, nickname) => openPage(browser, `${url}/rooms/${room}`, nickname);
  return { kind: { name: "Chromium", join }, close: () => browser.close() };
}

async function openPage(browser: Browser, url: string, nickname?: string): Promise<Participant> {
  const seen: Sighting[] = [];
  const notices = new Set<string>();
  const context = await browser.newContext({ locale: "en-US" });
  const page = await context.newPage();
  await page.exposeFunction("chatteraShown", (seq: number, text: string, atMs: number) => {
    // A reloaded page shows its lines again. Only the page itself can distinguish them from
    // doubles.
    if (!seen.some((other) => other.seq === seq)) seen.push({ seq, text, atMs });
  });
  await page.exposeFunction("chatteraNotice", (notice: string) => notices.add(notice));
  await page.addInitScript({ content: WATCH });
  await open(page, url, ALIVE);
  if (nickname !== undefined) await enter(page, url, nickname);
  let sent = Promise.resolve();
  return {
    seen,
    lastState: async () => {
      seen.push(...(await wrongLines(page)));
      const transport = await page.getAttribute("#connection", "data-transport");
      return { transport: transport ?? "", notices: [...notices] };
    },
    say: (text) => {
      sent = sent.then(() => type(page, text)).catch((error: Error) => void notices.add(error.message));
      return sent;
    },
    close: () => context.close(),
  };
}

/** The script runs and is connected. */
const ALIVE = "#connection[data-state=live], #connection[data-state=slow]";

/**
 * Loads a page, and again if it does not arrive or its script does not start, as a person would.
 */
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
  throw new Error(`no page started at ${url}`);
}

/**
 * Enters the room, and tries again from the room's page if another page appears, as a person would.
 */
async function enter(page: Page, url: string, nickname: string): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    await page.fill("#enter [name=nickname]", nickname);
    await page.press("#enter [name=nickname]", "Enter");
    const isIn = page.waitForSelector("#say [name=text]", { timeout: 10_000 });
    if (await isIn.catch(() => undefined)) return;
    await open(page, url, ALIVE);
    if (await page.isVisible("#say [name=text]")) return;
  }
  throw new Error(`could not enter ${url}`);
}

async function type(page: Page, text: string): Promise<void> {
  await page.fill("#say [name=text]", text);
  await page.press("#say [name=text]", "Enter");
}

/** Returns lines that are doubled or out of order, as sightings that will be counted as such. */
async function wrongLines(page: Page): Promise<Sighting[]> {
  const lines = (await page.evaluate(LINES)) as { seq: number; text: string }[];
  return lines
    .filter(({ seq }, n) => n > 0 && seq <= (lines[n - 1]?.seq ?? 0))
    .map((line) => ({ ...line, atMs: Date.now() }));
}

const LINES = `[...document.querySelectorAll("#log [data-seq]")].map((line) => ({
  seq: Number(line.dataset.seq), text: line.querySelector(".text")?.textContent ?? "" }))`;

/** Runs in the page: reports each acknowledged line and each state of the connection line. */
const WATCH = `(() => {
  const reported = new Set();
  const report = () => {
    for (const line of document.querySelectorAll("#log [data-seq]:not(.pending)")) {
      if (reported.has(line)) continue;
      reported.add(line);
      chatteraShown(Number(line.dataset.seq), line.querySelector(".text")?.textContent ?? "", Date.now());
    }
    const state = document.querySelector("#connection")?.dataset.state;
    if (state) chatteraNotice(state);
  };
  new MutationObserver(report).observe(document, { subtree: true, childList: true, attributes: true });
})()`;
