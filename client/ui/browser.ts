import type { Outside } from "../core/outside.ts";

/** The core's clock, chance and timers in a browser. */
export const browser: Outside = {
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

/** Calls back whenever what was open may have died: `surely` when it has. */
export function onWake(wake: (surely: boolean) => void): void {
  document.addEventListener("visibilitychange", () => document.hidden || wake(false));
  window.addEventListener("online", () => wake(true));
  // A page that comes back from the browser's back-forward cache has lost its connections.
  window.addEventListener("pageshow", (event) => event.persisted && wake(true));
}

/** Runs once the page has loaded and had a moment to show itself: an open request keeps some browsers "loading". */
export function afterLoad(run: () => void): void {
  const soon = () => setTimeout(run, 100);
  if (document.readyState === "complete") soon();
  else window.addEventListener("load", soon, { once: true });
}
