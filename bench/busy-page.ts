import { setTimeout as sleep } from "node:timers/promises";
import type { CDPSession, Page } from "playwright-core";
import { startDisplay } from "../test/support/webkit/start.ts";
import { openBusyRoom, startBusySite } from "./busy-room.ts";
import { openChromium } from "./chromium.ts";

/**
 * Measures what a busy room costs the page in Chromium, with its 500 lines full, at 20 and at 100
 * messages a second: the main thread's share, layouts, layout shifts, and the answers to keys and
 * clicks; at 20 messages a second also with a processor that is four times slower. Needs Xvfb.
 *
 *     npm run build && npx tsx bench/busy-page.ts [cli.js of another build] [seconds 10]
 */
const args = process.argv.slice(2);
const cli = args[0]?.endsWith(".js") ? args.shift() : undefined;
const [seconds = 10] = args.map(Number);

const KEYS_PER_SECOND = 5;
const KEYS_PER_CLICK = 5;

const site = await startBusySite(cli);
const display = await startDisplay();
const browser = await openChromium(display.name);
try {
  for (const [rate, slowdown] of [
    [20, 1],
    [100, 1],
    [20, 4],
  ] as const)
    process.stdout.write(`${JSON.stringify(await talk(rate, slowdown))}\n`);
} finally {
  await browser.close();
  await display.close();
  await site.close();
}
process.exit(0);

/** Measures a page in a room with that many messages a second. */
async function talk(rate: number, slowdown: number): Promise<object> {
  const context = await browser.newContext({ locale: "en-US", viewport: { width: 1280, height: 800 } });
  const { page, say, close } = await openBusyRoom(site, context, `talk-${rate}-${slowdown}`);
  const devTools = await context.newCDPSession(page);
  await devTools.send("Performance.enable");
  await page.evaluate(watch);
  await page.focus("#text");
  if (slowdown > 1) await devTools.send("Emulation.setCPUThrottlingRate", { rate: slowdown });
  const before = await costOf(page, devTools);
  let sent = 0;
  const startedAt = performance.now();
  const timer = setInterval(() => {
    for (; sent < ((performance.now() - startedAt) / 1000) * rate; sent += 1) void say(sent);
  }, 5);
  for (let key = 0; key < seconds * KEYS_PER_SECOND; key += 1) {
    await sleep(1000 / KEYS_PER_SECOND);
    if (key % KEYS_PER_CLICK === 0) await page.click("#text");
    else await page.keyboard.press("a");
  }
  clearInterval(timer);
  const after = await costOf(page, devTools);
  await close();
  const share = (after.taskSeconds - before.taskSeconds) / (after.at - before.at);
  const interactions = Object.values(after.interactionsMs);
  return {
    messagesPerSecond: rate,
    slowdown,
    mainThreadPercent: Math.round(share * 100),
    layoutsPerMessage: round((after.layouts - before.layouts) / sent),
    layoutShift: round(after.shift),
    longestTaskMs: after.longestTaskMs,
    // Shorter ones are not listed.
    interactionsOver16Ms: interactions.length,
    interactions: seconds * KEYS_PER_SECOND,
    p98Ms: quantile(interactions, 1 - (0.02 * seconds * KEYS_PER_SECOND) / Math.max(1, interactions.length)),
    slowestMs: quantile(interactions, 1),
  };
}

type Watched = { shift: number; longestTaskMs: number; interactionsMs: { [id: number]: number } };

type Entry = PerformanceEntry & { value: number; hadRecentInput: boolean; interactionId: number };

/** Runs in the page. It has no named function, because tsx would add a helper to it. */
function watch(): void {
  const seen: Watched = { shift: 0, longestTaskMs: 0, interactionsMs: {} };
  Object.assign(window, { seen });
  for (const type of ["layout-shift", "longtask", "event"])
    new PerformanceObserver((list) => {
      for (const { duration, value, interactionId } of list.getEntries() as Entry[]) {
        // Also what Chromium does not count, because of an input shortly before.
        if (type === "layout-shift") seen.shift += value;
        if (type === "longtask") seen.longestTaskMs = Math.max(seen.longestTaskMs, Math.round(duration));
        if (interactionId > 0)
          seen.interactionsMs[interactionId] = Math.max(seen.interactionsMs[interactionId] ?? 0, duration);
      }
    }).observe({ type, durationThreshold: 16 } as PerformanceObserverInit);
}

/** Returns the page's cost so far. */
async function costOf(page: Page, devTools: CDPSession) {
  const { metrics } = await devTools.send("Performance.getMetrics");
  const value = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? 0;
  const watched = await page.evaluate(() => (window as unknown as { seen: Watched }).seen);
  return { ...watched, at: value("Timestamp"), taskSeconds: value("TaskDuration"), layouts: value("LayoutCount") };
}

/** Interactions that were answered within 16 ms are not listed. */
function quantile(values: number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.ceil(sorted.length * part) - 1] ?? 16;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
