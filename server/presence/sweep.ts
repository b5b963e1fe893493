import type { Knex } from "knex";
import { readClock, sweepMembers } from "../../db/log/leave.ts";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import { steadyNow } from "../clock.ts";
import type { Logger } from "../log.ts";
import { createOutage } from "../outage.ts";

/** Removes members that no node has seen for the grace period. */
export type Sweep = {
  /** Begins a sweep unless one is under way. Resolves when it has ended. */
  begin(): Promise<void>;
  stop(): Promise<void>;
};

type Dependencies = { db: Knex; wakeUps: WakeUps; graceSeconds: number; logger: Logger };

/**
 * The database's clock may go this much faster or slower than this machine's between two sweeps.
 */
const DRIFT_MS = 2_000;

/**
 * Creates a sweep that works in the background: a crowd of thousands takes seconds to leave, and
 * presence rounds go on meanwhile. After the database's clock was set, everybody seems absent until
 * their nodes have written them again, so nobody is removed for one grace period.
 */
export function createSweep({ db, wakeUps, graceSeconds, logger }: Dependencies): Sweep {
  const outage = createOutage(logger, "removing absent members");
  const ending = new AbortController();
  let underWay: Promise<void> | undefined;
  /** How far the database's clock was ahead of steadyNow(). */
  let ahead: number | undefined;
  let isSteadyFrom = 0;
  return {
    begin: () => {
      if (!ending.signal.aborted) underWay ??= sweep();
      return underWay ?? Promise.resolve();
    },
    stop: async () => {
      ending.abort();
      await underWay;
    },
  };

  async function sweep(): Promise<void> {
    try {
      noteClock(await readClock(db));
      if (steadyNow() >= isSteadyFrom) await sweepMembers(db, { graceSeconds, signal: ending.signal, wakeUps });
      outage.succeeded();
    } catch (error) {
      outage.failed(error);
    }
    underWay = undefined;
  }

  function noteClock(databaseMs: number): void {
    const before = ahead;
    ahead = databaseMs - steadyNow();
    if (before === undefined || Math.abs(ahead - before) < DRIFT_MS) return;
    isSteadyFrom = steadyNow() + graceSeconds * 1000;
    logger.warn(
      { seconds: Math.round((ahead - before) / 1000) },
      "the database's clock was set; nobody is removed for now",
    );
  }
}
