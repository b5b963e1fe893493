import type { Logger } from "../log.ts";
import type { Hub } from "./hub.ts";
import { retryMs } from "./retry.ts";

/** The sweep reads the log every 5 s, so this is at least one read that failed. */
const STALE_MS = 10_000;

/** Above this, other nodes are asked whether they can serve, twice, so readers leave after 15 s. */
const ASK_MS = 12_000;
const ASK_EVERY_MS = 3_000;
const ANSWERS = 2;

const TICK_MS = 1_000;

/**
 * A process that was stopped has not read the log either, but reads it within the first of these
 * ticks.
 */
const STEADY_TICKS = 3;

/** Watches whether this node still reads the log. */
export type Staleness = {
  /** Returns whether this node cannot read the log and another node can serve its readers. */
  hasRefuge(): boolean;
  stop(): void;
};

/**
 * Watches how long ago the log was read. After 10 s, the pings say so. If another
 * node can serve, they are sent away. If none can, they stay: a connection that is kept costs
 * nothing and brings the news as soon as the database is back.
 */
export function watchStaleness({
  hub,
  logger,
  canOthersServe,
}: {
  hub: Hub;
  logger: Logger;
  canOthersServe(): Promise<boolean>;
}): Staleness {
  let ticks = 0;
  let askedAt = Number.NEGATIVE_INFINITY;
  let answers = 0;
  const timer = setInterval(tick, TICK_MS).unref();
  return { hasRefuge: () => answers >= ANSWERS, stop: () => clearInterval(timer) };

  function tick(): void {
    const unreadMs = hub.rooms.unreadMs();
    ticks = unreadMs > STALE_MS ? ticks + 1 : 0;
    if (ticks < STEADY_TICKS) {
      recover();
      return;
    }
    hub.showStale(Math.round(unreadMs / 1000));
    const now = performance.now();
    if (unreadMs < ASK_MS || now - askedAt < ASK_EVERY_MS) return;
    askedAt = now;
    void ask();
  }

  function recover(): void {
    answers = 0;
    hub.showStale(undefined);
  }

  async function ask(): Promise<void> {
    const canServe = await canOthersServe();
    if (ticks < STEADY_TICKS) return;
    answers = canServe ? answers + 1 : 0;
    if (answers >= ANSWERS) sendAway();
  }

  function sendAway(): void {
    const crowd = hub.readers.size;
    if (crowd > 0) logger.warn({ readers: crowd }, "this node cannot read the log; sending its readers to other nodes");
    for (const reader of hub.readers) hub.sendAway(reader, { retry: retryMs(crowd) });
  }
}
