import { setTimeout as sleep } from "node:timers/promises";
import type { BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { createFirefox } from "../test/support/firefox.ts";
import { createWebKit } from "../test/support/webkit/browser.ts";
import { openBusyRoom, startBusySite } from "./busy-room.ts";
import { openChromium } from "./chromium.ts";

/**
 * Measures how a page catches up after a cut during which many messages were sent: the longest time
 * between two timers, in Chromium also the longest task and the number of layouts, and the time
 * until the newest message is shown.
 *
 *     npm run build && npx tsx bench/catch-up.ts [--engine Chromium|Firefox|WebKit] [a cli.js]
 */
const args = process.argv.slice(2);
const at = args.indexOf("--engine");
const engine = at < 0 ? "Chromium" : (args.splice(at, 2)[1] ?? "");
const [cli] = args;

type Started = { newContext(options: BrowserContextOptions): Promise<BrowserContext>; close(): Promise<void> };

const STARTS: { [engine: string]: () => Promise<Started> } = {
  Chromium: openChromium,
  Firefox: async () => createFirefox(),
  WebKit: async () => createWebKit(),
};

const start = STARTS[engine];
if (start === undefined) throw new Error(`--engine must be one of ${Object.keys(STARTS).join(", ")}, not ${engine}`);
const site = await startBusySite(cli);
const browser = await start();
try {
  for (const missed of [1_000, 3_000]) process.stdout.write(`${JSON.stringify(await miss(missed))}\n`);
} finally {
  await browser.close();
  await site.close();
}
process.exit(0);

/** Measures a page that was cut off while the messages were sent. */
async function miss(missed: number): Promise<object> {
  const context = await browser.newContext({ locale: "en-US", viewport: { width: 1280, height: 800 } });
  const { page, relay, say, close } = await openBusyRoom(site, context, `missed-${missed}`);
  await page.evaluate(watch, `message ${missed - 1} `);
  await sleep(2_000);
  const quiet = await seenBy(page);
  relay.cut();
  await sleep(500);
  await Promise.all(Array.from({ length: missed }, (_, n) => say(n)));
  const layouts = engine === "Chromium" ? await layoutsOf(page) : async () => undefined;
  await seenBy(page);
  const before = await layouts();
  const restoredAt = Date.now();
  relay.restore();
  await page.waitForFunction(() => (window as unknown as { seen: Watched }).seen.caughtUpAt > 0, undefined, {
    timeout: 120_000,
    polling: 500,
  });
  await sleep(1_000);
  const after = await layouts();
  const { caughtUpAt, longestGapMs, longestTaskMs } = await seenBy(page);
  await close();
  return {
    engine,
    missed,
    longestGapMs,
    quietGapMs: quiet.longestGapMs,
    caughtUpMs: caughtUpAt - restoredAt,
    ...(engine === "Chromium" && { longestTaskMs, layouts: (after ?? 0) - (before ?? 0) }),
  };
}

type Watched = { longestGapMs: number; longestTaskMs: number; caughtUpAt: number; lastAt: number };

/** Runs in the page. It has no named function, because tsx would add a helper to it. */
function watch(last: string): void {
  const seen: Watched = { longestGapMs: 0, longestTaskMs: 0, caughtUpAt: 0, lastAt: performance.now() };
  Object.assign(window, { seen });
  setInterval(() => {
    const now = performance.now();
    seen.longestGapMs = Math.max(seen.longestGapMs, Math.round(now - seen.lastAt));
    seen.lastAt = now;
  }, 4);
  new MutationObserver(() => {
    if (seen.caughtUpAt > 0) return;
    if (document.querySelector("#log")?.lastElementChild?.textContent?.includes(last)) seen.caughtUpAt = Date.now();
  }).observe(document.querySelector("#log") as Node, { childList: true });
  if (!PerformanceObserver.supportedEntryTypes.includes("longtask")) return;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries())
      seen.longestTaskMs = Math.max(seen.longestTaskMs, Math.round(duration));
  }).observe({ type: "longtask" });
}

/** Returns what was seen, and forgets the longest times. */
function seenBy(page: Page): Promise<Watched> {
  return page.evaluate(() => {
    const { seen } = window as unknown as { seen: Watched };
    const copy = { ...seen };
    Object.assign(seen, { longestGapMs: 0, longestTaskMs: 0, lastAt: performance.now() });
    return copy;
  });
}

/** Returns a function that counts the layouts of a page in Chromium. */
async function layoutsOf(page: Page): Promise<() => Promise<number>> {
  const devTools = await page.context().newCDPSession(page);
  await devTools.send("Performance.enable");
  return async () => {
    const { metrics } = await devTools.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "LayoutCount")?.value ?? 0;
  };
}
