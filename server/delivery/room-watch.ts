import type { Knex } from "knex";
import { readRecentRules } from "../../db/log/room-rules.ts";
import { readRooms } from "../../db/log/rooms.ts";
import type { Logger } from "../log.ts";
import type { Hub } from "./hub.ts";
import { isInRaid, roomSignalOf } from "./room-now.ts";
import type { Tail } from "./tail.ts";

/** Follows the settings of the rooms in memory. */
export type RoomWatch = {
  /** Reads rooms again, as far as they are in memory, and shows them to their readers. */
  refresh(roomIds: number[]): Promise<void>;
  stop(): void;
};

/**
 * A node learns of other settings twice a second, also if wake-ups are lost. So a person who
 * may not read a room any more loses its stream within a second. The query takes 0.1 ms.
 */
const LOOK_MS = 500;

/** Changes of this time before the last look are looked for, since commits take time. */
const OVERLAP_SECONDS = 10;

type Dependencies = {
  db: Knex;
  hub: Hub;
  logger: Logger;
  /** A room has other settings, roles or another password. */
  onChange(tail: Tail): void;
};

/** Begins to follow the rooms in memory. */
export function watchRooms({ db, hub, logger, onChange }: Dependencies): RoomWatch {
  let isLooking = false;
  let lookedAt = performance.now();
  const timer = setInterval(look, LOOK_MS).unref();
  return { refresh, stop: () => clearInterval(timer) };

  async function look(): Promise<void> {
    if (isLooking) return;
    if (hub.rooms.isEmpty()) {
      lookedAt = performance.now();
      return;
    }
    isLooking = true;
    try {
      endRaids();
      const beganAt = performance.now();
      const changed = await readRecentRules(db, OVERLAP_SECONDS + (beganAt - lookedAt) / 1000);
      const isNew = ({ id, at }: { id: number; at: number }) =>
        hub.rooms.tailsOf([id]).some(({ room }) => room.changedAt < at);
      await refresh(changed.filter(isNew).map(({ id }) => id));
      lookedAt = beganAt;
    } catch (error) {
      logger.debug({ err: error }, "settings of rooms not read");
    }
    isLooking = false;
  }

  async function refresh(roomIds: number[]): Promise<void> {
    const wanted = roomIds.filter((id) => hub.rooms.tailsOf([id]).length > 0);
    if (wanted.length === 0) return;
    for (const room of await readRooms(db, wanted))
      for (const tail of hub.rooms.tailsOf([room.id])) {
        if ((room.changedAt ?? 0) < tail.room.changedAt) continue;
        tail.become(room);
        show(tail);
        onChange(tail);
      }
  }

  function endRaids(): void {
    for (const tail of hub.rooms.all()) {
      const { room } = tail;
      if (room.raidEndsAt === 0 || isInRaid(room)) continue;
      tail.room = { ...room, raidEndsAt: 0 };
      show(tail);
    }
  }

  function show(tail: Tail): void {
    tail.shownUntil = performance.now() + SHOWN_MS;
    hub.signal(tail, { name: "room", data: roomSignalOf(tail.room) });
  }
}

/** Pollers are away between two polls. For this long, answers to polls contain the settings. */
const SHOWN_MS = 90_000;
