import { isHidden } from "../hidden.ts";

// [Chrome 61–65] has none, but reads this file to learn that it needs the other program.
let life: AbortController | undefined;

/** Ends the listeners of the page before: another one takes its place in this document. */
export function beginPage(): void {
  life?.abort();
  life = new AbortController();
}

/** Returns the options of a listener on the document or the window that ends with the page. */
export function lasting(): AddEventListenerOptions {
  return life === undefined ? {} : { signal: life.signal };
}

/**
 * Returns what a service of the browser returns; `undefined` if the browser lacks it, or if an
 * extension or a policy lets it throw. The page works without each of them.
 */
export function optional<Result>(service: () => Result): Result | undefined {
  try {
    return service();
  } catch (_forbidden) {
    return undefined;
  }
}

/** Whether the window matches a media query. */
export function matchesMedia(query: string): boolean {
  return optional(() => matchMedia(query).matches) === true;
}

/**
 * Returns the round trip in milliseconds that loading the page took; 0 if the browser does not say.
 */
export function pageRttMs(): number {
  const navigation = optional(
    () => performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming | undefined,
  );
  return navigation === undefined ? 0 : Math.max(1, navigation.responseStart - navigation.requestStart);
}

/** Returns a clock of how long the page has been hidden, in milliseconds; 0 while it is visible. */
export function watchHiding(): () => number {
  let since = isHidden() ? Date.now() : 0;
  document.addEventListener("visibilitychange", look, lasting());
  function look(): void {
    since = isHidden() ? Date.now() : 0;
  }
  // If the clock was set back, a hidden page must not seem visible.
  return () => (since === 0 ? 0 : Math.max(1, Date.now() - since));
}

/** Calls back when open connections may have died, with whether it is certain that they have. */
export function onWake(wake: (connectionsAreDead: boolean) => void): void {
  document.addEventListener("visibilitychange", () => isHidden() || wake(false), lasting());
  window.addEventListener("online", () => wake(true), lasting());
}

/**
 * Calls back when the page is left or frozen, and when it comes back from the browser's
 * back-forward cache or is thawed [Page Lifecycle]. Its connections are dead then.
 */
export function onSleep(sleep: () => void, comeBack: () => void): void {
  window.addEventListener("pagehide", sleep, lasting());
  window.addEventListener("pageshow", (event) => event.persisted && comeBack(), lasting());
  document.addEventListener("freeze", sleep, lasting());
  document.addEventListener("resume", comeBack, lasting());
}

/**
 * Runs something when the page has loaded and has been painted: an open request keeps some browsers
 * "loading".
 */
export function afterLoad(run: () => void): void {
  const soon = () => setTimeout(run, 100);
  if (optional(() => document.readyState) === "complete") soon();
  else window.addEventListener("load", soon, { once: true });
}
