import type { Knex } from "knex";
import { readChangedRooms } from "../../db/log/change.ts";
import type { Logger } from "../log.ts";
import type { Hub } from "./hub.ts";

/**
 * A node learns of edits and erases twice a second, also if wake-ups are lost. So a reader that
 * comes back to any node gets no former text later than a second after the change was acknowledged.
 * The query takes 0.1 ms.
 */
const LOOK_MS = 500;

/** Changes of this time are looked for. After a longer failure, the sweep reads all rooms. */
const CHANGED_SECONDS = 10;

type Dependencies = {
  db: Knex;
  hub: Hub;
  logger: Logger;
  /** The list of rooms, which shows the latest words, and forgets them if they were erased. */
  lobby: { isAwaited(): boolean; forget(): void };
};

/**
 * Begins to look for edits and erases in rooms that are in memory, and has their logs read. Returns
 * a function that stops it.
 */
export function watchChanges({ db, hub, logger, lobby }: Dependencies): () => void {
  let isLooking = false;
  let known: string[] = [];
  const timer = setInterval(look, LOOK_MS).unref();
  return () => clearInterval(timer);

  async function look(): Promise<void> {
    if (isLooking || (hub.rooms.isEmpty() && !lobby.isAwaited())) return;
    isLooking = true;
    try {
      const changed = await readChangedRooms(db, CHANGED_SECONDS);
      const before = known;
      known = changed.map(({ roomId, seq }) => `${roomId}:${seq}`);
      if (known.some((one) => !before.includes(one))) lobby.forget();
      const isUnread = ({ roomId, seq }: { roomId: number; seq: number }) =>
        hub.rooms.tailsOf([roomId]).some(({ head }) => head < seq);
      const unread = changed.filter(isUnread).map(({ roomId }) => roomId);
      if (unread.length > 0) hub.wake(unread);
    } catch (error) {
      logger.debug({ err: error }, "changes not read");
    }
    isLooking = false;
  }
}
