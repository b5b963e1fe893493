import { afterAll, test } from "@jest/globals";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { type Engine, engineInUse, type Need, packagesOf, programsOf, reasonAgainst } from "./engines.ts";
import { createFirefox } from "./firefox.ts";
import { until } from "./until.ts";

/** The default of the project's tests, see jest.config.js. */
const TIMEOUT_MS = 15_000;

/** How long the start of an engine may take on a busy machine. It is part of a test. */
const START_MS = 30_000;

/** The needs of a browser test, and the engines in which it cannot run. */
export type BrowserTestOptions = {
  /** Abilities that not every engine offers to tests. */
  needs?: Need[];
  /** Engines that cannot run this test, each with the reason. */
  except?: { [engine in Engine]?: string };
};

/** Registers a test in the engine of this run. */
type Register<Args extends unknown[]> = {
  (name: string, work: (...args: Args) => unknown, timeoutMs?: number): void;
  (name: string, options: BrowserTestOptions, work: (...args: Args) => unknown, timeoutMs?: number): void;
};

type Mutable<Row extends readonly unknown[]> = { -readonly [column in keyof Row]: Row[column] } & unknown[];

type Runner = (name: string, work: (...args: never[]) => Promise<void>, timeoutMs?: number) => void;

if (process.env.TEST_REQUIRE_BROWSER && programsOf(engineInUse) === undefined)
  throw new Error(
    `TEST_REQUIRE_BROWSER is set, but there is no ${engineInUse}. Install it (Debian: ${packagesOf(engineInUse)}), or name its programs as in test/support/engines.ts`,
  );

/**
 * A test in a real browser. Its file runs once for each engine, which the name shows. An engine
 * that is not installed, or that cannot offer what the test needs, skips it, with the reason in the
 * name.
 */
export const browserTest: Register<[]> & {
  each<const Row extends readonly unknown[]>(rows: readonly Row[]): Register<Mutable<Row>>;
} = Object.assign(inEngine<[]>(test as Runner, test.skip as Runner), {
  each: <const Row extends readonly unknown[]>(rows: readonly Row[]) =>
    inEngine<Mutable<Row>>(test.each(rows as never) as Runner, test.skip.each(rows as never) as Runner),
});

function inEngine<Args extends unknown[]>(run: Runner, skip: Runner): Register<Args> {
  type Work = (...args: Args) => unknown;
  const register = (name: string, ...given: (Work | BrowserTestOptions | number | undefined)[]) => {
    const options = typeof given[0] === "function" ? {} : (given.shift() as BrowserTestOptions);
    const [work, timeoutMs = TIMEOUT_MS] = given as [Work, number?];
    const reason = reasonToSkip(engineInUse, options);
    if (reason !== undefined) skip(`${name} (not in ${engineInUse}: ${reason})`, async () => undefined);
    else
      run(`${name} (${engineInUse})`, async (...args) => void (await work(...(args as never))), timeoutMs + START_MS);
  };
  return register as Register<Args>;
}

function reasonToSkip(engine: Engine, { needs = [], except = {} }: BrowserTestOptions): string | undefined {
  return except[engine] ?? reasonAgainst(engine, needs) ?? (programsOf(engine) ? undefined : "it is not installed");
}

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
  /** Returns the engine that it runs in. */
  engine(): Engine;
  newContext(options?: BrowserContextOptions): Promise<BrowserContext>;
  newPage(options?: BrowserContextOptions): Promise<Page>;
  /** Enters the lobby of a site under a nickname, as a person does: page, name, button. */
  sit(url: string, nickname: string, options?: BrowserContextOptions): Promise<PageUser>;
};

/** An engine that can open contexts. */
type Started = { newContext(options: BrowserContextOptions): Promise<BrowserContext>; close(): Promise<void> };

/**
 * Starts the engine of this run at the first page of the file, and closes it after the last test.
 * Call it before `useSite`, so that pages are closed before the site.
 */
export function useBrowser(): UsedBrowser {
  let started: Promise<Started> | undefined;
  afterAll(async () => (await started)?.close(), 30_000);
  const newContext = async (options: BrowserContextOptions = {}) => {
    started ??= STARTS[engineInUse]();
    return (await started).newContext(options);
  };
  return {
    engine: () => engineInUse,
    newContext,
    newPage: async (options) => (await newContext(options)).newPage(),
    sit: async (url, nickname, options = {}) => {
      const context = await newContext({ locale: "en-US", ...options });
      return enterLobby(await context.newPage(), url, nickname);
    },
  };
}

const STARTS: { [engine in Engine]: () => Promise<Started> } = {
  Chromium: async () => (await openBrowser()) as Browser,
  Firefox: async () => createFirefox(),
  WebKit: async () => (await import("./webkit/browser.ts")).createWebKit(),
};

/** Starts Chromium, which can reach this machine only. Returns `undefined` if there is none. */
export async function openBrowser(): Promise<Browser | undefined> {
  const executablePath = programsOf("Chromium")?.[0];
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
  await page.waitForSelector("#say").catch(async (error: Error) => {
    throw new Error(`${error.message}; ${page.url()} shows ${await page.textContent("body")}`);
  });
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
