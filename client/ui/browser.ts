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
  let since = document.hidden ? Date.now() : 0;
  document.addEventListener("visibilitychange", () => {
    since = document.hidden ? Date.now() : 0;
  });
  // If the clock was set back, a hidden page must not seem visible.
  return () => (since === 0 ? 0 : Math.max(1, Date.now() - since));
}

/** Calls back when open connections may have died, with whether it is certain that they have. */
export function onWake(wake: (connectionsAreDead: boolean) => void): void {
  document.addEventListener("visibilitychange", () => document.hidden || wake(false));
  window.addEventListener("online", () => wake(true));
}

/**
 * Calls back when the page is left or frozen, and when it comes back from the browser's
 * back-forward cache or is thawed [Page Lifecycle]. Its connections are dead then.
 */
export function onSleep(sleep: () => void, comeBack: () => void): void {
  window.addEventListener("pagehide", sleep);
  window.addEventListener("pageshow", (event) => event.persisted && comeBack());
  document.addEventListener("freeze", sleep);
  document.addEventListener("resume", comeBack);
}

/**
 * Runs something when the page has loaded and has been painted: an open request keeps some browsers
 * "loading".
 */
export function afterLoad(run: () => void): void {
  const soon = () => setTimeout(run, 100);
  if (document.readyState === "complete") soon();
  else window.addEventListener("load", soon, { once: true });
}
