import type { Knex } from "knex";
import { pruneGrants } from "../../db/log/passwords.ts";
import { pruneSlice } from "../../db/log/prune.ts";
import { pruneVisits } from "../../db/log/visits.ts";
import type { Logger } from "../log.ts";
import { type BackgroundWork, logRetry, pause, repeat } from "./background-work.ts";

const PAUSE_MS = 60 * 60_000;

/**
 * Pause between two slices, in which posts have the database. A million events are deleted in under
 * four minutes.
 */
const REST_MS = 200;

/**
 * People type the password of a room again after this time, and count as new in a room that they
 * have not read for so long.
 */
const GRANT_DAYS = 90;

/**
 * Starts deleting events that are older than `keepDays`, or than their room's own settings allow.
 * Without either, all are kept.
 */
export function startPruning(db: Knex, keepDays: number | undefined, logger: Logger): BackgroundWork {
  return repeat(PAUSE_MS, async (signal) => {
    try {
      await pruneGrants(db, GRANT_DAYS);
      await pruneVisits(db, GRANT_DAYS);
      const { events } = await pruneAll(db, keepDays, signal);
      if (events > 0) logger.info({ events, keepDays }, "old events deleted");
    } catch (error) {
      logRetry(logger, error, "deleting old events");
    }
  });
}

/**
 * Deletes all events that are older than `days`, or than their room keeps them, slice by slice.
 * Returns the number of events deleted. `isDone` is false if it was stopped, or if another node
 * holds the lock.
 */
export async function pruneAll(
  db: Knex,
  days: number | undefined,
  signal?: AbortSignal,
): Promise<{ events: number; isDone: boolean }> {
  let events = 0;
  for (;;) {
    const slice = await pruneSlice(db, days);
    if (!slice) return { events, isDone: slice === 0 };
    events += slice;
    if (!(await pause(REST_MS, signal))) return { events, isDone: false };
  }
}
