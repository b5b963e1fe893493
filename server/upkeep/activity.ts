import type { Knex } from "knex";
import { addActivity, pruneActivity } from "../../db/log/activity.ts";
import type { Logger } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { type BackgroundWork, repeat } from "./background-work.ts";

/** Each node counts at least this often. */
const COUNT_MS = 60_000;

/** The plot shows a day. */
const KEPT_HOURS = 25;

/** Starts counting people and messages for the plot of the last day. */
export function startActivity({ db, metrics, logger }: { db: Knex; metrics: Metrics; logger: Logger }): BackgroundWork {
  let counted = 0;
  return repeat(COUNT_MS, async () => {
    try {
      const total = (await metrics.appended.get()).values[0]?.value ?? 0;
      await addActivity(db, total - counted);
      counted = total;
      await pruneActivity(db, KEPT_HOURS);
    } catch (error) {
      logger.debug({ err: error }, "activity was not counted");
    }
  });
}
