import type { Environment } from "../core/base/environment.ts";

/** The core's clock, chance and timers in a browser. */
export const browser: Environment = {
  now: Date.now,
  random: Math.random,
  later(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** The time to the server and back as the page's own loading showed it; 0 where the browser does not say. */
export function pageRttMs(): number {
  const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  return navigation === undefined ? 0 : Math.max(1, navigation.responseStart - navigation.requestStart);
}

/** Gives a clock of how long nobody has looked at the page; 0 while somebody does. */
export function watchHiding(): () => number {
  let since = document.hidden ? Date.now() : 0;
  document.addEventListener("visibilitychange", () => {
    since = document.hidden ? Date.now() : 0;
  });
  // a clock that was set back must not make a hidden page a visible one
  return () => (since === 0 ? 0 : Math.max(1, Date.now() - since));
}

/** Calls back whenever what was open may have died: `surely` when it has. */
export function onWake(wake: (connectionsAreDead: boolean) => void): void {
  document.addEventListener("visibilitychange", () => document.hidden || wake(false));
  window.addEventListener("online", () => wake(true));
}

/**
 * Tells when the page goes or is frozen, and when it comes back: out of the browser's back-forward cache, or thawed
 * [Page Lifecycle]. Its connections are dead then.
 */
export function onSleep(sleep: () => void, comeBack: () => void): void {
  window.addEventListener("pagehide", sleep);
  window.addEventListener("pageshow", (event) => event.persisted && comeBack());
  document.addEventListener("freeze", sleep);
  document.addEventListener("resume", comeBack);
}

/** Runs once the page has loaded and had a moment to show itself: an open request keeps some browsers "loading". */
export function afterLoad(run: () => void): void {
  const soon = () => setTimeout(run, 100);
  if (document.readyState === "complete") soon();
  else window.addEventListener("load", soon, { once: true });
}
