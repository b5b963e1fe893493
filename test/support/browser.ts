import { existsSync } from "node:fs";
import { test } from "@jest/globals";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** Where a Chromium is commonly found; CHROMIUM names another. */
const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
];

const executablePath = [process.env.CHROMIUM ?? "", ...PLACES].find((path) => path !== "" && existsSync(path));

if (executablePath === undefined && process.env.CHATTERA_REQUIRE_BROWSER)
  throw new Error("CHATTERA_REQUIRE_BROWSER is set and no Chromium is found: install one, or name it in CHROMIUM");

/** A test in a real browser; counted as skipped, in words, where there is none. */
export const browserTest: typeof test = executablePath
  ? test
  : (Object.assign(
      (name: string, work: () => void, timeout?: number) =>
        test.skip(`${name} (skipped: no Chromium found)`, work, timeout),
      test,
    ) as typeof test);

/** Starts Chromium; `undefined` where there is none. It speaks to this machine only. */
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

/** Somebody at a screen. */
export type Seat = {
  page: Page;
  /** Writes a message and presses Enter. */
  say(text: string): Promise<void>;
  /** Waits until a message of this text stands in the log as acknowledged. */
  sees(text: string): Promise<void>;
  /** Waits for the connection line's state. */
  is(state: "live" | "slow" | "catching-up" | "offline"): Promise<void>;
  /** The seqs in the log, and the texts of the messages, in the order on the screen. */
  log(): Promise<{ seqs: number[]; texts: string[] }>;
};

/** Enters the lobby of a site under a nickname, as a person does: page, name, button. */
export async function sit(
  browser: Browser,
  url: string,
  nickname: string,
  options: BrowserContextOptions = {},
): Promise<Seat> {
  const context = await browser.newContext({ locale: "en-US", ...options });
  const page = await context.newPage();
  await page.goto(`${url}/`);
  await page.fill("#enter [name=nickname]", nickname);
  await page.click("#enter button[name=room][value=lobby]");
  await page.waitForSelector("#say");
  const seat: Seat = {
    page,
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
    log: () =>
      page.evaluate(() => {
        const lines = [...document.querySelectorAll<HTMLElement>("#log [data-seq]")];
        return {
          seqs: lines.map((line) => Number(line.dataset.seq)),
          texts: lines.map((line) => line.querySelector(".text")?.textContent ?? "").filter((text) => text !== ""),
        };
      }),
  };
  return seat;
}
