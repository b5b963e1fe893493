import { setTimeout } from "node:timers/promises";
import type { Knex } from "knex";
import { pruneSlice } from "../../db/log/prune.ts";
import type { Logger } from "../log.ts";

/** What goes by now and then, in the background. */
export type Pruning = { stop(): Promise<void> };

/** An hour, half of it by chance, so that nodes that were started together do not meet each time. */
const PAUSE_MS = 60 * 60_000;

/** Between two slices those who speak have the database: a million events go in under four minutes. */
const REST_MS = 200;

/** Deletes what is older than `keepDays`, from a minute after the start on; does nothing where all is kept. */
export function startPruning(db: Knex, keepDays: number | undefined, logger: Logger): Pruning {
  if (keepDays === undefined) return { stop: async () => undefined };
  const end = new AbortController();
  const going = goOn(db, keepDays, logger, end.signal);
  return {
    stop: () => {
      end.abort();
      return going;
    },
  };
}

async function goOn(db: Knex, keepDays: number, logger: Logger, signal: AbortSignal): Promise<void> {
  let pauseMs = 60_000;
  while (await rested(pauseMs, signal)) {
    try {
      const { events } = await pruneAll(db, keepDays, signal);
      if (events > 0) logger.info({ events, keepDays }, "old events were deleted");
    } catch (error) {
      logger.warn({ err: error }, "pruning failed; retrying");
    }
    pauseMs = PAUSE_MS * (0.5 + Math.random() / 2);
  }
}

/**
 * Deletes all that is older than `days`, slice by slice. Gives how many events went; not done is who is stopped, and who
 * leaves the rest to another node that is at it.
 */
export async function pruneAll(
  db: Knex,
  days: number,
  signal?: AbortSignal,
): Promise<{ events: number; isDone: boolean }> {
  let events = 0;
  for (;;) {
    const slice = await pruneSlice(db, days);
    if (!slice) return { events, isDone: slice === 0 };
    events += slice;
    if (!(await rested(REST_MS, signal))) return { events, isDone: false };
  }
}

/** Waits; `false` when the end came first. */
function rested(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  return setTimeout(ms, true, { ref: false, ...(signal && { signal }) }).catch(() => false);
}
