import { setTimeout as sleep } from "node:timers/promises";
import { error, type WebDriver, type WebElement } from "selenium-webdriver";
import { type FindStep, findElements } from "./find.ts";

/** Code of a test that runs in the page: a function, an expression or statements. */
export type PageCode = string | ((...args: never[]) => unknown);

/** The way to elements: through iframes, and then in the last of them. */
export type Road = { frames: FindStep[][]; steps: FindStep[] };

/** One window of a session. */
export type PageWindow = {
  /** Runs code in the page, or in an iframe of it. Resolves with its value, which must be JSON. */
  run<T>(code: PageCode, args?: unknown[], frames?: FindStep[][]): Promise<T>;
  /**
   * Returns the value of code that is not asynchronous and may run twice. Unlike `run`, it always
   * gets an answer, even from a page that is being left, which calls no promise back.
   */
  ask<T>(code: PageCode, args: unknown[], frames?: FindStep[][]): Promise<T>;
  /** Uses the first element of a road. Throws if there is none. */
  withElement<T>(road: Road, work: (element: WebElement, driver: WebDriver) => Promise<T>): Promise<T>;
  /** Uses the driver while this window is its current one. */
  use<T>(work: (driver: WebDriver) => Promise<T>): Promise<T>;
  /** Returns the address of the page when code last ran in it. */
  url(): string;
};

/** How long a command may take on a busy machine. */
const ANSWER_MS = 60_000;

/**
 * WebKit loses a command that arrives while the next page takes over in another process. So a
 * question without an answer is asked again, the second time in the new page.
 */
const ASK_AGAIN_MS = 5_000;

/**
 * Returns a function that opens windows of a session. WebDriver's commands are for its current
 * window and frame, so the windows take turns.
 */
export function createWindows(driver: WebDriver): () => Promise<PageWindow> {
  let isFirst = true;
  let current = "";
  let last: Promise<unknown> = Promise.resolve();

  return () =>
    inTurn(async () => {
      // Not a tab, which would hide the one before.
      if (!isFirst) await driver.switchTo().newWindow("window");
      isFirst = false;
      current = await driver.getWindowHandle();
      return windowOf(current);
    });

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(() => within(ANSWER_MS, work()));
    last = done.catch(() => undefined);
    return done;
  }

  function windowOf(handle: string): PageWindow {
    let url = "about:blank";
    return {
      url: () => url,
      use: (work) => useFrame([], work),
      run: (code, args = [], frames = []) => useFrame(frames, () => execute(asynchronous(code), args)),
      ask: (code, args, frames = []) => useFrame(frames, () => ask(synchronous(code), args)),
      withElement: ({ frames, steps }, work) => useFrame(frames, async () => work(await elementAt(steps), driver)),
    };

    async function execute<T>(script: string, args: unknown[]): Promise<T> {
      const answer = JSON.parse(await driver.executeScript(script, ...args)) as { value: T; url: string };
      url = answer.url;
      return answer.value;
    }

    async function ask<T>(script: string, args: unknown[]): Promise<T> {
      const first = execute<T>(script, args);
      return within(ASK_AGAIN_MS, first).catch((problem) => {
        if (problem !== NO_ANSWER) throw problem;
        return Promise.race([first, execute<T>(script, args)]);
      });
    }

    function useFrame<T>(frames: FindStep[][], work: (driver: WebDriver) => Promise<T>): Promise<T> {
      return inTurn(async () => {
        if (handle !== current) await driver.switchTo().window(handle);
        current = handle;
        if (frames.length === 0) return work(driver);
        try {
          for (const steps of frames) await driver.switchTo().frame(await elementAt(steps));
          return await work(driver);
        } finally {
          await driver.switchTo().defaultContent();
        }
      });
    }
  }

  async function elementAt(steps: FindStep[]): Promise<WebElement> {
    const found = await driver.executeScript<WebElement | null>(
      `${NAME} return (${findElements})(arguments[0])[0]`,
      steps,
    );
    if (found === null) throw new error.NoSuchElementError(`no element ${JSON.stringify(steps)}`);
    return found;
  }
}

const NO_ANSWER = new Error("WebKit does not answer");

function within<T>(limitMs: number, answer: Promise<T>): Promise<T> {
  const late = sleep(limitMs, undefined, { ref: false }).then(() => Promise.reject(NO_ANSWER));
  return Promise.race([answer, late]);
}

/** Returns a function for the page that is made of others by their texts. */
export function composed(source: string): PageCode {
  return Object.assign(() => undefined, { toString: () => source });
}

// Code that was built by `tsx` calls __name.
const NAME = "const __name = (named) => named;";

// JSON keeps values apart that WebDriver would turn into
// null.

function asynchronous(code: PageCode): string {
  return `${NAME} const args = arguments; return (async () => {
    let value;
    ${isExpression(code) ? `value = await ${asCall(code)}` : code}
    ;return JSON.stringify({ value, url: location.href });
  })()`;
}

function synchronous(code: PageCode): string {
  return `${NAME} const args = arguments;
    return JSON.stringify({ value: ${asCall(code)}, url: location.href });`;
}

function asCall(code: PageCode): string {
  return typeof code === "function" ? `(${code})(...args)` : `(${code}\n)`;
}

function isExpression(code: PageCode): boolean {
  if (typeof code === "function") return true;
  try {
    new Function(`return (${code}\n)`);
    return true;
  } catch {
    return false;
  }
}
