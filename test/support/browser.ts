import { existsSync } from "node:fs";
import { afterAll, beforeAll, test } from "@jest/globals";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { until } from "./until.ts";

/** The usual paths of Chromium. CHROMIUM names another one. */
const PATHS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
];

const executablePath = [process.env.CHROMIUM ?? "", ...PATHS].find((path) => path !== "" && existsSync(path));

if (executablePath === undefined && process.env.CHATTERA_REQUIRE_BROWSER)
  throw new Error(
    "CHATTERA_REQUIRE_BROWSER is set, but there is no Chromium. Install one, or set CHROMIUM to its path",
  );

/** A test in a real browser. Skipped, with the reason in its name, if there is none. */
export const browserTest: typeof test = executablePath
  ? test
  : (Object.assign(
      (name: string, work: () => void, timeout?: number) =>
        test.skip(`${name} (skipped: no Chromium found)`, work, timeout),
      test,
    ) as typeof test);

/** A person at a page. */
export type PageUser = {
  page: Page;
  /** Writes a message and presses Enter. */
  say(text: string): Promise<void>;
  /** Waits until the log shows a message of this text as acknowledged. */
  sees(text: string): Promise<void>;
  /** Waits for a state of the connection line. */
  is(state: "live" | "slow" | "catching-up" | "offline"): Promise<void>;
  /** Returns the seqs in the log and the texts of its messages, in the order on the screen. */
  log(): Promise<ShownLog>;
  /**
   * Waits until no seq is missing in the log or out of order, and returns it. A receipt shows one's
   * own message, and may overtake the event before it.
   */
  wholeLog(): Promise<ShownLog>;
};

/** The content of a log: all seqs, and the texts of its messages. */
export type ShownLog = { seqs: number[]; texts: string[] };

/** Returns whether seqs ascend one by one. */
export function isWhole(seqs: number[]): boolean {
  return seqs.every((seq, n) => seq === (seqs[0] as number) + n);
}

/** The browser of a test file. */
export type UsedBrowser = {
  newContext(options?: BrowserContextOptions): Promise<BrowserContext>;
  newPage(options?: BrowserContextOptions): Promise<Page>;
  /** Enters the lobby of a site under a nickname, as a person does: page, name, button. */
  sit(url: string, nickname: string, options?: BrowserContextOptions): Promise<PageUser>;
};

/**
 * Starts Chromium before all tests of the file, and closes it after them. Call it before `useSite`,
 * so that its pages are closed before the site. Without Chromium it starts nothing, because every
 * browserTest is skipped.
 */
export function useBrowser(): UsedBrowser {
  let browser: Browser | undefined;
  beforeAll(async () => {
    browser = await openBrowser();
  }, 30_000);
  afterAll(() => browser?.close());
  const newContext = (options?: BrowserContextOptions) => (browser as Browser).newContext(options);
  return {
    newContext,
    newPage: (options) => (browser as Browser).newPage(options),
    sit: async (url, nickname, options = {}) => {
      const context = await newContext({ locale: "en-US", ...options });
      return enterLobby(await context.newPage(), url, nickname);
    },
  };
}

/** Starts Chromium, which can reach this machine only. Returns `undefined` if there is none. */
export async function openBrowser(): Promise<Browser | undefined> {
  if (executablePath === undefined) return undefined;
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

async function enterLobby(page: Page, url: string, nickname: string): Promise<PageUser> {
  await page.goto(`${url}/`);
  await page.fill("#enter [name=nickname]", nickname);
  await page.click("#enter button[name=room][value=lobby]");
  await page.waitForSelector("#say");
  const log = () =>
    page.evaluate(() => {
      const lines = [...document.querySelectorAll<HTMLElement>("#log [data-seq]")];
      return {
        seqs: lines.map((line) => Number(line.dataset.seq)),
        texts: lines.map((line) => line.querySelector(".text")?.textContent ?? "").filter((text) => text !== ""),
      };
    });
  return {
    page,
    log,
    wholeLog: () =>
      until("no seq is missing or out of order", async () => {
        const shown = await log();
        return isWhole(shown.seqs) ? shown : undefined;
      }),
    say: async (text) => {
      await page.fill("#say [name=text]", text);
      await page.press("#say [name=text]", "Enter");
    },
    sees: async (text) => {
      await page.waitForFunction(
        (awaited) =>
          [...document.querySelectorAll("#log [data-seq]:not(.pending) .text")].some(
            (line) => line.textContent === awaited,
          ),
        text,
      );
    },
    is: async (state) => {
      await page.waitForSelector(`#connection[data-state="${state}"]`, { timeout: 15_000 });
    },
  };
}
