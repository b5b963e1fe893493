import { setTimeout } from "node:timers/promises";
import type { Knex } from "knex";
import { forgetFreedNames } from "../../db/log/members.ts";
import { publishPresence } from "../../db/log/presence.ts";
import { deleteEvents, removeUnusedRooms } from "../../db/log/rooms.ts";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import type { Logger } from "../log.ts";

/** Removes rooms that nobody used, now and then, in the background. */
export type RoomRemoval = { stop(): Promise<void> };

/** Ten minutes, half of it by chance, so that nodes that were started together do not meet each time. */
const PAUSE_MS = 10 * 60_000;

/** Rooms that are removed, and events that are deleted, in one statement. */
const ROOMS = 100;
const EVENTS = 1_000;

/** Starts removing rooms, a minute after the start. Every node does, and they share the work row by row. */
export function startRoomRemoval(db: Knex, wakeUps: WakeUps, logger: Logger): RoomRemoval {
  const end = new AbortController();
  const working = work();
  return {
    stop: () => {
      end.abort();
      return working;
    },
  };

  async function work(): Promise<void> {
    let pauseMs = 60_000;
    while (await rested(pauseMs, end.signal)) {
      try {
        await forgetFreedNames(db);
        const rooms = await removeRooms(db, wakeUps, end.signal);
        if (rooms > 0) logger.info({ rooms }, "rooms that nobody used were removed");
      } catch (error) {
        logger.warn({ err: error }, "unused rooms could not be removed; retrying");
      }
      pauseMs = PAUSE_MS * (0.5 + Math.random() / 2);
    }
  }
}

/**
 * Removes all rooms that were unused for a day, with their enter and leave events, and notifies all nodes, which close
 * the rooms' tails and readers. Returns the number of rooms removed.
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

/** Waits; `false` when the end came first. */
function rested(ms: number, signal: AbortSignal): Promise<boolean> {
  return setTimeout(ms, true, { ref: false, signal }).catch(() => false);
}
