import type { Knex } from "knex";
import type { LogIdentity } from "../../db/log/log.ts";
import { readSince } from "../../db/log/read.ts";
import { findRooms } from "../../db/log/rooms.ts";
import type { RoomEvent } from "../../protocol/event.ts";
import { TAIL_EVENTS, Tail } from "./tail.ts";

/** The rooms whose newest events are in this process's memory, by number and by slug. */
export type Tails = {
  /** The tails of these rooms, in that order, read from the log where they are not here; `undefined` when one does not exist. */
  open(slugs: string[]): Promise<Tail[] | undefined>;
  get(roomId: number): Tail | undefined;
  has(tail: Tail): boolean;
  all(): Tail[];
  forget(tail: Tail): void;
  forgetUnused(): void;
};

/** A tail stays in memory for a minute after its last reader: pollers are away between two polls. */
const LINGER_MS = 60_000;

/** Of a crawl through all rooms so many stay at most: 200 of 256 KiB are 50 MiB. */
const UNUSED_TAILS = 200;

/** `onOpen` must have the room read once more: what was committed while it was loaded is not in it. */
export function createTails(db: Knex, log: LogIdentity, onOpen: (tail: Tail) => void): Tails {
  const byId = new Map<number, Tail>();
  const bySlug = new Map<string, Promise<Tail | undefined>>();

  const has = (tail: Tail) => byId.get(tail.id) === tail;

  return { open, get: (roomId) => byId.get(roomId), has, all: () => [...byId.values()], forget, forgetUnused };

  async function open(slugs: string[]): Promise<Tail[] | undefined> {
    const opened = await Promise.all(slugs.map(openOne));
    return opened.includes(undefined) ? undefined : (opened as Tail[]);
  }

  /** A crowd that asks for one room at once is answered by one load. */
  async function openOne(slug: string): Promise<Tail | undefined> {
    const loading = bySlug.get(slug) ?? load(slug);
    bySlug.set(slug, loading);
    try {
      const tail = await loading;
      if (tail === undefined) bySlug.delete(slug);
      else tail.usedAt = performance.now();
      return tail;
    } catch (error) {
      bySlug.delete(slug);
      throw error;
    }
  }

  async function load(slug: string): Promise<Tail | undefined> {
    const [room] = await findRooms(db, [slug]);
    if (room === undefined) return undefined;
    const stored = await readSince(db, new Map([[room.id, room.head - TAIL_EVENTS]]), TAIL_EVENTS);
    const events = newestRun(stored.map((one) => one.event));
    const tail = new Tail(room, log.epoch, (events[0]?.seq ?? room.head + 1) - 1);
    tail.append(events);
    tail.sent = tail.head;
    tail.trim();
    byId.set(tail.id, tail);
    if (byId.size % UNUSED_TAILS === 0) forgetUnused();
    onOpen(tail);
    return tail;
  }

  function forget(tail: Tail): void {
    if (!has(tail)) return;
    byId.delete(tail.id);
    bySlug.delete(tail.slug);
  }

  function forgetUnused(): void {
    const limit = performance.now() - LINGER_MS;
    const unused = [...byId.values()].filter((tail) => tail.readers.size === 0).sort((a, b) => b.usedAt - a.usedAt);
    unused.forEach((tail, index) => {
      if (tail.usedAt < limit || index >= UNUSED_TAILS) forget(tail);
    });
  }
}

/** The events behind the last hole: an operator may have deleted one by hand, and a tail has none. */
function newestRun(events: RoomEvent[]): RoomEvent[] {
  const hole = events.findLastIndex((event, index) => event.seq !== (events[index - 1]?.seq ?? event.seq - 1) + 1);
  return events.slice(Math.max(0, hole));
}
