import { moveTestClock } from "../../db/log/test-clock.ts";
import { clockAhead, moveClockTo, wallNow } from "../clock.ts";
import type { Site } from "../site.ts";

/** The clock of an app in a test. All apps of the process that have one share its time. */
export type TestClock = {
  /**
   * Moves the time on, and resolves when all that was due has happened: people have left whose
   * grace has passed. Those who are connected stay.
   */
  advance(ms: number): Promise<void>;
  /** Returns the time of the site. */
  now(): Date;
};

/** The sites of this process whose time can be moved. */
const sites = new Set<Site>();

/** Returns the clock of a site that was opened with `testClock`. */
export function testClockOf(site: Site): TestClock {
  if (site.hasTestClock) sites.add(site);
  return { advance: (ms) => advance(site, ms), now: () => new Date(wallNow()) };
}

/** Forgets a site that is closed. */
export function forgetTestClock(site: Site): void {
  sites.delete(site);
}

async function advance(site: Site, ms: number): Promise<void> {
  if (!site.hasTestClock) throw new TypeError("clock: open the app with testClock: true to move its time");
  if (!Number.isFinite(ms) || ms < 0) throw new TypeError("ms: the milliseconds by which the time moves on");
  const all = [...sites];
  // Signs of life that are not written yet are of the time before.
  for (const { presence } of all) await presence.writeNow();
  moveClockTo(clockAhead() + Math.round(ms));
  for (const { db } of all) await moveTestClock(db, clockAhead());
  // Every node writes who is connected before anybody is removed for being absent.
  for (const { presence } of all) await presence.writeNow();
  for (const { presence } of all) await presence.sweepNow();
}
