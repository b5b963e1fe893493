import type { Knex } from "knex";
import { sweepMembers } from "../../db/log/leave.ts";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import type { Logger } from "../log.ts";

/** Removes members that no node has seen for the grace period. */
export type Sweep = {
  /** Begins, unless it is under way. */
  begin(): void;
  stop(): Promise<void>;
};

type Surroundings = { db: Knex; wakeUps: WakeUps; graceSeconds: number; logger: Logger };

/** Works in the background: a crowd of thousands takes seconds to leave, and members who are here are noted meanwhile. */
export function createSweep({ db, wakeUps, graceSeconds, logger }: Surroundings): Sweep {
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
      logger.warn({ err: error }, "members who are gone could not leave; retrying with the next presence round");
    }
    underWay = undefined;
  }
}
