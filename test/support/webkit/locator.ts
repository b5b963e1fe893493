import { setTimeout as sleep } from "node:timers/promises";
import type { FrameLocator, Locator } from "playwright-core";
import { error, Key, type WebDriver } from "selenium-webdriver";
import { type FindStep, findElements, isShown } from "./find.ts";
import { strict } from "./strict.ts";
import { composed, type PageCode, type PageWindow, type Road } from "./window.ts";

// Each question costs four processes some milliseconds, so long waits ask less often.
const SHORTEST_POLL_MS = 25;
const LONGEST_POLL_MS = 250;

/** Options of a wait, as playwright's. */
export type WaitOptions = { state?: "attached" | "detached" | "visible" | "hidden"; timeout?: number };

/** A window, and how long its locators wait. */
export type Waiting = { window: PageWindow; patienceMs(): number };

/** Returns the elements of a road as a playwright locator. */
export function locatorOf(at: Waiting, road: Road): Locator {
  const { window } = at;
  const narrowed = (step: FindStep) => locatorOf(at, { ...road, steps: [...road.steps, step] });
  const withAll = (code: PageCode) => composed(`(steps, arg) => (${code})((${findElements})(steps), arg)`);
  const all = <T>(code: PageCode, arg?: unknown) => window.ask<T>(withAll(code), [road.steps, arg], road.frames);
  const evaluateAll = (code: PageCode, arg?: unknown) => window.run(withAll(code), [road.steps, arg], road.frames);
  const first = async <T>(code: PageCode, arg?: unknown): Promise<T> => {
    await waitFor({ state: "attached" });
    return all<T>(composed(`([one], arg) => (${code})(one, arg)`), arg);
  };
  const waitFor = ({ state = "visible", timeout = at.patienceMs() }: WaitOptions = {}) =>
    eventually(
      `${describe(road)} is ${state}`,
      () => all<boolean>(composed(`([one], state) => (${isIn})(one, state, ${isShown})`), state),
      timeout,
    );
  const act: PageWindow["withElement"] = async (at, work) => {
    await waitFor();
    return window.withElement(at, work);
  };

  const locator: Locator = strict("locator", {
    locator: (css: string) => narrowed({ css }),
    getByText: (text: string, { exact = false } = {}) => narrowed({ text, exact }),
    first: () => narrowed({ nth: 0 }),
    last: () => narrowed({ nth: -1 }),
    nth: (nth: number) => narrowed({ nth }),
    all: async () => Array.from({ length: await locator.count() }, (_, nth) => narrowed({ nth })),
    count: () => all<number>((found: Element[]) => found.length),
    waitFor: async (options?: WaitOptions) => void (await waitFor(options)),
    evaluate: async (code: PageCode, arg?: unknown) => {
      await waitFor({ state: "attached" });
      return evaluateAll(composed(`([one], arg) => (${code})(one, arg)`), arg);
    },
    evaluateAll: (code: PageCode, arg?: unknown) => evaluateAll(code, arg),
    textContent: () => first((one: Element) => one.textContent),
    inputValue: () => first((one: HTMLInputElement) => one.value),
    getAttribute: (name: string) => first((one: Element, attribute: string) => one.getAttribute(attribute), name),
    allTextContents: () => all((found: Element[]) => found.map((one) => one.textContent ?? "")),
    isVisible: () => all<boolean>(composed(`([one]) => one !== undefined && (${isShown})(one)`)),
    isDisabled: () => first((one: HTMLInputElement) => one.disabled),
    isChecked: () => first((one: HTMLInputElement) => one.checked),
    boundingBox: () =>
      all(([one]: Element[]) => {
        const { x, y, width, height } = one?.getBoundingClientRect() ?? {};
        return x === undefined ? null : { x, y, width, height };
      }),
    focus: () => first((one: HTMLElement) => one.focus()),
    fill: async (text: string) => {
      await waitFor();
      await first(fill, text);
    },
    click: () =>
      eventually(
        `a click on ${describe(road)}`,
        async () => {
          // A click is at a point of the page, from which the element must not move away.
          const [before, now] = [await locator.boundingBox(), await locator.boundingBox()];
          if (JSON.stringify(before) !== JSON.stringify(now)) return false;
          await act(road, (element) => element.click());
          return true;
        },
        at.patienceMs(),
      ),
    hover: () => act(road, (element, driver) => driver.actions().move({ origin: element }).perform()),
    press: async (key: string) => {
      await locator.focus();
      await window.use((driver) => pressKeys(driver, key));
    },
  });
  return locator;
}

/** Returns an iframe as a playwright frame locator. */
export function frameOf(at: Waiting, frames: FindStep[][]): FrameLocator {
  return strict("frame locator", {
    locator: (css: string) => locatorOf(at, { frames, steps: [{ css }] }),
    getByText: (text: string, { exact = false } = {}) => locatorOf(at, { frames, steps: [{ text, exact }] }),
  });
}

/**
 * Calls `take` until it returns a truthy value, and resolves with it. Errors of WebDriver do not
 * end the wait: while a page is loading, there is none to ask.
 */
export async function eventually<T>(what: string, take: () => Promise<T>, patienceMs: number): Promise<T> {
  const startedAt = performance.now();
  let why = "";
  for (;;) {
    try {
      const taken = await take();
      if (taken) return taken;
      why = "";
    } catch (problem) {
      if (!(problem instanceof error.WebDriverError)) throw problem;
      why = `: ${problem.message}`;
    }
    const waitedMs = performance.now() - startedAt;
    if (waitedMs > patienceMs) throw new Error(`waited ${patienceMs} ms until ${what}${why}`);
    await sleep(Math.min(LONGEST_POLL_MS, Math.max(SHORTEST_POLL_MS, waitedMs / 4)));
  }
}

/** Presses a key, with modifiers as in "Shift+Enter". */
export async function pressKeys(driver: WebDriver, keys: string): Promise<void> {
  const names = keys.split(/\+(?=.)/);
  const key = names.pop() as string;
  const actions = driver.actions();
  for (const name of names) actions.keyDown(named(name));
  actions.sendKeys(named(key));
  for (const name of names.reverse()) actions.keyUp(named(name));
  await actions.perform();
}

function named(key: string): string {
  if (key === "Backspace") return Key.BACK_SPACE;
  const name = key
    .replace(/^Arrow/, "ARROW_")
    .replace(/(?<=[a-z])(?=[A-Z])/g, "_")
    .toUpperCase();
  return key.length === 1 ? key : ((Key as unknown as { [name: string]: string })[name] ?? key);
}

const describe = ({ frames, steps }: Road) => [...frames, steps].map((part) => JSON.stringify(part)).join(" in ");

/** The functions below run in the page. */

function isIn(one: Element | undefined, state: string, shown: (one: Element) => boolean): boolean {
  if (state === "attached") return one !== undefined;
  if (state === "detached") return one === undefined;
  return (one !== undefined && shown(one)) === (state === "visible");
}

/** Fires the events of typing, as if the text had been pasted. */
function fill(field: HTMLInputElement, text: string): void {
  field.focus();
  field.select();
  if (text === "") document.execCommand("delete");
  else document.execCommand("insertText", false, text);
}
