import type { Knex } from "knex";
import { sweepMembers } from "../../db/log/leave.ts";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import type { Logger } from "../log.ts";

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
    } catch (error) {
      logger.warn({ err: error }, "sweeping absent members failed; retrying with the next presence round");
    }
    underWay = undefined;
  }
}
