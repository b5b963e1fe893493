import type { Knex } from "knex";
import { forgetFreedNames } from "../../db/log/members.ts";
import { publishPresence } from "../../db/log/presence.ts";
import { deleteEvents, removeUnusedRooms } from "../../db/log/rooms.ts";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import { removeOldInboxes } from "../../db/log/whispers.ts";
import type { Logger } from "../log.ts";
import { type BackgroundWork, logRetry, repeat } from "./background-work.ts";

const PAUSE_MS = 10 * 60_000;

/** Rooms that are removed, and events that are deleted, in one statement. */
const ROOMS = 100;
const EVENTS = 1_000;

/** A session is valid for a month without use, so nobody comes back to an inbox after this. */
const INBOX_DAYS = 366;

/** Starts removing unused rooms. Every node does, and they share the work row by row. */
export function startRoomRemoval(db: Knex, wakeUps: WakeUps, logger: Logger): BackgroundWork {
  return repeat(PAUSE_MS, async (signal) => {
    try {
      await forgetFreedNames(db);
      const rooms = await removeRooms(db, wakeUps, signal);
      if (rooms > 0) logger.info({ rooms }, "unused rooms removed");
      await removeInboxes(db, INBOX_DAYS, signal);
    } catch (error) {
      logRetry(logger, error, "removing unused rooms");
    }
  });
}

/**
 * Removes all rooms that were unused for a day, with their enter and leave events, and notifies all
 * nodes, which close the rooms' tails and readers. Returns the number of rooms removed.
 */
export async function removeRooms(db: Knex, wakeUps: WakeUps, signal?: AbortSignal): Promise<number> {
  let count = 0;
  for (;;) {
    const removed = await removeUnusedRooms(db, ROOMS);
    count += removed.length;
    // A node that misses it notices when somebody enters there.
    await publishPresence(wakeUps, removed);
    for (const roomId of removed) while ((await deleteEvents(db, roomId, EVENTS)) === EVENTS);
    if (removed.length < ROOMS || signal?.aborted) return count;
  }
}

/**
 * Removes the inboxes that nobody used for some days, with their whispers. Returns the number of
 * inboxes removed.
 */
export async function removeInboxes(db: Knex, days: number, signal?: AbortSignal): Promise<number> {
  let count = 0;
  for (;;) {
    const removed = await removeOldInboxes(db, days, ROOMS);
    count += removed.length;
    for (const inboxId of removed) while ((await deleteEvents(db, inboxId, EVENTS)) === EVENTS);
    if (removed.length < ROOMS || signal?.aborted) return count;
  }
}
