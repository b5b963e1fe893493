import type { Knex } from "knex";
import type { Stored } from "../../db/log/event-row.ts";
import { readSince } from "../../db/log/read.ts";
import type { RoomEvent } from "../../protocol/event.ts";
import { PAGE_EVENTS } from "../../protocol/limits.ts";
import type { Logger } from "../log.ts";
import type { Tail } from "./tail.ts";
import type { Tails } from "./tails.ts";

/** Reads what wake-ups tell of. */
export type News = {
  /** These rooms may have events after their tails. */
  wake(roomIds: number[]): void;
  stop(): void;
};

/** After a failed read the log is asked again this soon; by then the database may be back. */
const RETRY_MS = 300;

type Surroundings = {
  db: Knex;
  logger: Logger;
  tails: Tails;
  /** Is it still the same log? Asked after a failed read, for what answers then may be another database. */
  checkEpoch: () => Promise<void>;
  /** The tail has grown by these events. */
  onEvents: (tail: Tail, events: RoomEvent[]) => void;
  /** What the log holds does not follow on the tail: it was pruned or replaced under us. */
  onBreak: (tail: Tail) => void;
};

/** The hub's road from the log: one read under way at a time, for all rooms with news; what is told meanwhile is the next. */
export function createNews({ db, logger, tails, checkEpoch, onEvents, onBreak }: Surroundings): News {
  const withNews = new Set<number>();
  let isReading = false;
  let hasFailed = false;
  let isStopped = false;

  return {
    wake,
    stop: () => {
      isStopped = true;
    },
  };

  function wake(roomIds: number[]): void {
    for (const roomId of roomIds) if (tails.get(roomId)) withNews.add(roomId);
    if (!isReading && withNews.size > 0) void read();
  }

  async function read(): Promise<void> {
    isReading = true;
    while (withNews.size > 0 && !isStopped) {
      try {
        if (hasFailed) await checkEpoch();
        takeIn(await readNews());
        hasFailed = false;
      } catch (error) {
        hasFailed = true;
        logger.warn({ err: error }, "reading the log failed; retrying");
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    isReading = false;
  }

  async function readNews(): Promise<Stored[]> {
    const asked = new Map([...withNews].flatMap((id) => positionOf(tails.get(id))));
    withNews.clear();
    try {
      return await readSince(db, asked, PAGE_EVENTS);
    } catch (error) {
      for (const roomId of asked.keys()) withNews.add(roomId);
      throw error;
    }
  }

  function takeIn(stored: Stored[]): void {
    for (const [roomId, events] of byRoom(stored)) {
      const tail = tails.get(roomId);
      if (tail === undefined) continue;
      if (events.length === PAGE_EVENTS) withNews.add(roomId);
      if (tail.append(events)) onEvents(tail, events);
      else onBreak(tail);
    }
  }
}

function positionOf(tail: Tail | undefined): [number, number][] {
  return tail ? [[tail.id, tail.head]] : [];
}

function byRoom(stored: Stored[]): Map<number, RoomEvent[]> {
  const rooms = new Map<number, RoomEvent[]>();
  for (const { roomId, event } of stored) {
    const events = rooms.get(roomId);
    if (events) events.push(event);
    else rooms.set(roomId, [event]);
  }
  return rooms;
}
