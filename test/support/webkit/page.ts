import { writeFile } from "node:fs/promises";
import type { BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import type { WebDriver } from "selenium-webdriver";
import { until } from "../until.ts";
import { eventually, frameOf, locatorOf, pressKeys, type WaitOptions } from "./locator.ts";
import type { WebKitSession } from "./start.ts";
import { strict } from "./strict.ts";
import { createWindows, type PageCode, type PageWindow } from "./window.ts";

/** Playwright waits as long. */
const PATIENCE_MS = 30_000;

type LoadOptions = { waitUntil?: "commit" | "domcontentloaded" | "load"; timeout?: number };

type Size = { width: number; height: number };

/**
 * Returns a session as a playwright context, with the part of playwright's interface that the tests
 * use.
 */
export function contextOf(session: WebKitSession, options: BrowserContextOptions): BrowserContext {
  const openWindow = createWindows(session.driver);
  const pages: Page[] = [];
  const context: BrowserContext = strict("context", {
    newPage: async () => {
      const page = pageOf(await openWindow(), context);
      pages.push(page);
      await page.setViewportSize(options.viewport ?? { width: 1280, height: 720 });
      return page;
    },
    pages: () => pages,
    clearCookies: () => session.driver.manage().deleteAllCookies(),
    close: () => session.close(),
  });
  return context;
}

function pageOf(window: PageWindow, context: BrowserContext): Page {
  const { run, ask, use } = window;
  let patienceMs = PATIENCE_MS;
  let loads = 0;
  const waiting = { window, patienceMs: () => patienceMs };
  const at = (css: string) => locatorOf(waiting, { frames: [], steps: [{ css }] });

  return strict("page", {
    context: () => context,
    setDefaultTimeout: (ms: number) => {
      patienceMs = ms;
    },
    goto: (url: string, options?: LoadOptions) => load((driver) => driver.get(url), options),
    reload: (options?: LoadOptions) => load((driver) => driver.navigate().refresh(), options),
    goBack: (options?: LoadOptions) => load((driver) => driver.navigate().back(), options),
    goForward: (options?: LoadOptions) => load((driver) => driver.navigate().forward(), options),
    url: () => window.url(),
    title: () => run(() => document.title),
    content: () => run(() => document.documentElement.outerHTML),
    close: () => use((driver) => driver.close()),
    bringToFront: () => use(() => Promise.resolve()), // WebDriver selects a window for each command
    setViewportSize: (size: Size) => use((driver) => resize(driver, size)),
    waitForTimeout: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)),
    evaluate: (code: PageCode, arg?: unknown) => run(code, [arg]),
    waitForFunction: (code: PageCode, arg?: unknown, { timeout = patienceMs }: { timeout?: number } = {}) =>
      eventually(String(code), () => ask(code, [arg]), timeout),
    waitForSelector: (css: string, options?: WaitOptions) => at(css).first().waitFor(options),
    locator: at,
    getByText: (text: string, { exact = false } = {}) => locatorOf(waiting, { frames: [], steps: [{ text, exact }] }),
    frameLocator: (css: string) => frameOf(waiting, [[{ css }]]),
    $eval: (css: string, code: never, arg?: never) => at(css).evaluate(code, arg),
    $$eval: (css: string, code: never, arg?: never) => at(css).evaluateAll(code, arg),
    click: (css: string) => at(css).click(),
    fill: (css: string, text: string) => at(css).fill(text),
    focus: (css: string) => at(css).focus(),
    press: (css: string, key: string) => at(css).press(key),
    hover: (css: string) => at(css).hover(),
    check: (css: string) => at(css).click(),
    textContent: (css: string) => at(css).textContent(),
    inputValue: (css: string) => at(css).inputValue(),
    getAttribute: (css: string, name: string) => at(css).getAttribute(name),
    isVisible: (css: string) => at(css).isVisible(),
    screenshot: async ({ path }: { path?: string } = {}) => {
      const picture = Buffer.from(await use((driver) => driver.takeScreenshot()), "base64");
      if (path !== undefined) await writeFile(path, picture);
      return picture;
    },
    keyboard: strict("keyboard", {
      press: (key: string) => use((driver) => pressKeys(driver, key)),
      type: (text: string) => use((driver) => driver.actions().sendKeys(text).perform()),
    }),
  });

  /** Starts a load, and waits until another page is there and has reached the awaited state. */
  async function load(
    start: (driver: WebDriver) => Promise<void>,
    { waitUntil = "load", timeout = patienceMs }: LoadOptions = {},
  ): Promise<null> {
    loads += 1;
    // A page that comes back from the browser's cache has the mark of an earlier load.
    await ask(mark, [loads]);
    await use(start);
    const states = {
      load: ["complete"],
      domcontentloaded: ["interactive", "complete"],
      commit: ["loading", "interactive", "complete"],
    };
    await eventually(`a page is at ${waitUntil}`, () => ask(isLoaded, [loads, states[waitUntil]]), timeout);
    return null;
  }
}

/** These two run in the page. */

function mark(load: number): void {
  Object.assign(window, { leftByLoad: load });
}

function isLoaded(load: number, states: string[]): boolean {
  return (window as { leftByLoad?: number }).leftByLoad !== load && states.includes(document.readyState);
}

/** The size of a window includes its tool bar, and a window takes its new size a moment later. */
async function resize(driver: WebDriver, { width, height }: Size): Promise<void> {
  await until(`the page is ${width} px wide and ${height} px high`, async () => {
    const [inner, outer] = await driver.executeScript<[Size, Size]>(
      "return [{ width: innerWidth, height: innerHeight }, { width: outerWidth, height: outerHeight }]",
    );
    if (inner.width === width && inner.height === height) return true;
    const size = { width: width + outer.width - inner.width, height: height + outer.height - inner.height };
    await driver
      .manage()
      .window()
      .setRect({ x: 0, y: 0, ...size });
    return false;
  });
}
