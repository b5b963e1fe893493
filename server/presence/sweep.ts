import type { Knex } from "knex";
import { sweepMembers } from "../../db/log/leave.ts";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import type { Logger } from "../log.ts";
import { createOutage } from "../outage.ts";

/** Removes members that no node has seen for the grace period. */
export type Sweep = {
  /** Begins a sweep unless one is under way. */
  begin(): void;
  stop(): Promise<void>;
};

type Dependencies = { db: Knex; wakeUps: WakeUps; graceSeconds: number; logger: Logger };

/**
 * Creates a sweep that works in the background: a crowd of thousands takes seconds to leave, and
 * presence rounds go on meanwhile.
 */
export function createSweep({ db, wakeUps, graceSeconds, logger }: Dependencies): Sweep {
  const outage = createOutage(logger, "removing absent members");
  const ending = new AbortController();
  let underWay: Promise<void> | undefined;
  return {
    begin: () => {
      if (!ending.signal.aborted) underWay ??= sweep();
    },
    stop: async () => {
      ending.abort();
      await underWay;
    },
  };

  async function sweep(): Promise<void> {
    try {
      await sweepMembers(db, { graceSeconds, signal: ending.signal, wakeUps });
      outage.succeeded();
    } catch (error) {
      outage.failed(error);
    }
    underWay = undefined;
  }
}
