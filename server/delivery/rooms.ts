import type { Knex } from "knex";
import type { Stored } from "../../db/log/event-row.ts";
import { compareProgress, type LogIdentity, openLog, renewEpoch } from "../../db/log/log.ts";
import { readPage, readSince } from "../../db/log/read.ts";
import { findRooms, readBounds, type StoredBounds, type StoredRoom } from "../../db/log/rooms.ts";
import { sumOf } from "../../protocol/cursor.ts";
import type { RoomEvent } from "../../protocol/event.ts";
import { PAGE_EVENTS } from "../../protocol/limits.ts";
import type { Logger } from "../log.ts";
import { createOutage, type Outage } from "../outage.ts";
import { TAIL_EVENTS, Tail } from "./tail.ts";
import { createTurns } from "./turns.ts";

/** First kept and last seq of a room, and the checksum of the last event, if it is kept. */
export type Bounds = { head: number; oldest: number; sum: number | undefined };

/**
 * The bytes that a reader is sent at a time while it catches up, and has to read before it is sent
 * more: a long page of the shortest messages, seven of the longest. 1,000 readers that never read
 * take 64 MB.
 */
export const PAGE_BYTES = 64 * 1024;

/** Whispers that are loaded of an inbox: those of a reader that was away for some minutes. */
const INBOX_EVENTS = 32;

/** A tail stays in memory for a minute after its last use: pollers are away between two polls. */
const LINGER_MS = 60_000;

/**
 * A crawl through all rooms leaves at most this number of unread tails: 200 of 256 KiB are 50 MiB.
 */
const UNREAD_TAILS = 200;

/** After a failed read, the log is read again this soon; the database may be back by then. */
const RETRY_MS = 300;

type Dependencies = {
  db: Knex;
  /** Its epoch is replaced when the database holds another log. */
  log: LogIdentity;
  logger: Logger;
  /** Does the tail have readers? */
  isRead(tail: Tail): boolean;
  /** Hands out the events by which a tail has grown. */
  onEvents(tail: Tail, events: RoomEvent[]): void;
  /** Disconnects the readers of a tail that the log no longer continues. */
  onBreak(tail: Tail): void;
};

/** A running query and the one that starts when it has ended. */
type BoundsQuery = { current: Promise<Bounds>; next: Promise<Bounds> | undefined };

/**
 * The rooms of this node whose newest events are in memory, and the only way from the log to them.
 */
export class Rooms {
  readonly #deps: Dependencies;
  readonly #byId = new Map<number, Tail>();
  readonly #bySlug = new Map<string, Promise<Tail | undefined>>();
  /** The tails that may lack events. */
  readonly #behind = new Set<Tail>();
  readonly #bounds = new Map<Tail, BoundsQuery>();
  /** Two at a time, so that catching up cannot starve posting of database connections. */
  readonly #pageTurns = createTurns(2);
  readonly #outage: Outage;
  /** How far the log was on the disk, as a position in the WAL. */
  #flushed: string | undefined;
  #epochCheck: Promise<void> | undefined;
  #isReading = false;
  /** When the last read of the log that succeeded began. */
  #readAt = performance.now();
  #isStopped = false;

  constructor(deps: Dependencies) {
    this.#deps = deps;
    this.#outage = createOutage(deps.logger, "reading the log");
  }

  /**
   * Returns the tails of these rooms in that order, loading those not in memory; `undefined` if a
   * room is missing.
   */
  async open(slugs: string[]): Promise<Tail[] | undefined> {
    const tails = await Promise.all(slugs.map((slug) => this.#open(slug)));
    return tails.includes(undefined) ? undefined : (tails as Tail[]);
  }

  /** Returns the tails of these inboxes in that order, loading together those not in memory. */
  async openInboxes(inboxes: StoredRoom[]): Promise<Tail[]> {
    const unknown = inboxes.filter(({ id }) => !this.#byId.has(id));
    const after = new Map(unknown.map(({ id, head }) => [id, head - INBOX_EVENTS]));
    const stored = unknown.length === 0 ? [] : await readSince(this.#deps.db, after, INBOX_EVENTS);
    const events = byRoom(stored);
    return inboxes.map((inbox) => {
      // Another load may have been faster.
      const tail = this.#byId.get(inbox.id) ?? this.#add(inbox, events.get(inbox.id) ?? []);
      tail.usedAt = performance.now();
      return tail;
    });
  }

  /** Returns the tails in memory. */
  all(): Tail[] {
    return [...this.#byId.values()];
  }

  /** Returns how long ago the log was read, 0 while no room is in memory. */
  unreadMs(): number {
    return this.#byId.size === 0 ? 0 : performance.now() - this.#readAt;
  }

  /** Returns whether no tail is in memory. */
  isEmpty(): boolean {
    return this.#byId.size === 0;
  }

  /** Returns the tails of these rooms, as far as they are in memory. */
  tailsOf(roomIds: number[]): Tail[] {
    const tails: Tail[] = [];
    for (const roomId of roomIds) {
      const tail = this.#byId.get(roomId);
      if (tail !== undefined) tails.push(tail);
    }
    return tails;
  }

  /** Returns whether a tail is kept up to date. One that was forgotten gets no more events. */
  has(tail: Tail): boolean {
    return this.#byId.get(tail.id) === tail;
  }

  /** Forgets a tail: its room is loaded again when somebody asks for it. */
  forget(tail: Tail): void {
    if (!this.has(tail)) return;
    this.#byId.delete(tail.id);
    this.#bySlug.delete(tail.slug);
  }

  /**
   * Forgets tails without readers: those not used for a minute, and the least recently used of too
   * many.
   */
  forgetUnread(): void {
    const limit = performance.now() - LINGER_MS;
    const unread = this.all().filter((tail) => !this.#deps.isRead(tail));
    unread.sort((a, b) => b.usedAt - a.usedAt);
    unread.forEach((tail, index) => {
      if (tail.usedAt < limit || index >= UNREAD_TAILS) this.forget(tail);
    });
  }

  /**
   * Reads the log after these tails: one read at a time for all of them; a tail named meanwhile is
   * in the next.
   */
  read(tails: Tail[]): void {
    for (const tail of tails) this.#behind.add(tail);
    if (!this.#isReading && this.#behind.size > 0) void this.#readOn();
  }

  /**
   * Returns a page of the log after a seq, for a reader from before the tail; the networks take
   * turns.
   */
  readPage(tail: Tail, after: number, network: string): Promise<RoomEvent[]> {
    return this.#pageTurns(network, () =>
      readPage(this.#deps.db, { roomId: tail.id, after, limit: PAGE_EVENTS, bytes: PAGE_BYTES }),
    );
  }

  /**
   * Reads the checksum of an event that a tail does not have; `undefined` if the log does not have
   * it either. Readers from before the tail take turns for it, as for their pages.
   */
  async sumAt(tail: Tail, seq: number): Promise<number | undefined> {
    const event = { roomId: tail.id, after: seq - 1, limit: 1, bytes: 1 };
    const [found] = await this.#pageTurns(tail.slug, () => readPage(this.#deps.db, event));
    return found?.seq === seq ? sumOf(found) : undefined;
  }

  /**
   * Reads a room's bounds from the log, one query at a time. Callers during a running query share
   * the next one, since the running one may predate what they know. So a crowd of thousands costs a
   * few queries.
   */
  bounds(tail: Tail): Promise<Bounds> {
    const running = this.#bounds.get(tail);
    if (running === undefined) return this.#queryBounds(tail);
    running.next ??= running.current.then(ignore, ignore).then(() => this.#queryBounds(tail));
    return running.next;
  }

  /**
   * Reads which log the database holds, once at a time. If it is another one, the readers of all
   * rooms reset.
   */
  checkEpoch(): Promise<void> {
    this.#epochCheck ??= this.#compareEpoch().finally(() => {
      this.#epochCheck = undefined;
    });
    return this.#epochCheck;
  }

  /** Reads no more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** A crowd that asks for a room at the same time shares one load. */
  async #open(slug: string): Promise<Tail | undefined> {
    const loading = this.#bySlug.get(slug) ?? this.#load(slug);
    this.#bySlug.set(slug, loading);
    try {
      const tail = await loading;
      if (tail === undefined) this.#bySlug.delete(slug);
      else tail.usedAt = performance.now();
      return tail;
    } catch (error) {
      this.#bySlug.delete(slug);
      throw error;
    }
  }

  async #load(slug: string): Promise<Tail | undefined> {
    const { db } = this.#deps;
    const [room] = await findRooms(db, [slug]);
    if (room === undefined) return undefined;
    const stored = await readSince(db, new Map([[room.id, room.head - TAIL_EVENTS]]), TAIL_EVENTS);
    return this.#add(
      room,
      stored.map(({ event }) => event),
    );
  }

  #add(room: StoredRoom, stored: RoomEvent[]): Tail {
    const events = newestRun(stored);
    const tail = new Tail(room, this.#deps.log.epoch, (events[0]?.seq ?? room.head + 1) - 1);
    tail.append(events);
    tail.sent = tail.head;
    tail.trim();
    if (this.#byId.size === 0) this.#readAt = performance.now();
    this.#byId.set(tail.id, tail);
    if (this.#byId.size % UNREAD_TAILS === 0) this.forgetUnread();
    // Events committed during the load are not in it, and their wake-ups found no tail.
    this.read([tail]);
    return tail;
  }

  async #readOn(): Promise<void> {
    this.#isReading = true;
    while (this.#behind.size > 0 && !this.#isStopped) {
      try {
        // After a failure, another database may answer.
        if (this.#outage.isOn()) await this.checkEpoch();
        await this.#readOnce();
        this.#outage.succeeded();
      } catch (error) {
        this.#outage.failed(error);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    this.#isReading = false;
  }

  async #readOnce(): Promise<void> {
    const asked = [...this.#behind].filter((tail) => this.has(tail));
    this.#behind.clear();
    const begunAt = performance.now();
    const stored = await this.#readAfter(asked);
    this.#readAt = begunAt;
    const events = byRoom(stored);
    for (const tail of asked) {
      const news = events.get(tail.id);
      if (news !== undefined && this.has(tail)) this.#grow(tail, news);
    }
  }

  async #readAfter(tails: Tail[]): Promise<Stored[]> {
    try {
      return await readSince(this.#deps.db, new Map(tails.map(({ id, head }) => [id, head])), PAGE_EVENTS);
    } catch (error) {
      for (const tail of tails) this.#behind.add(tail);
      throw error;
    }
  }

  #grow(tail: Tail, events: RoomEvent[]): void {
    if (events.length === PAGE_EVENTS) this.#behind.add(tail);
    if (tail.append(events)) this.#deps.onEvents(tail, events);
    else this.#break(tail);
  }

  #queryBounds(tail: Tail): Promise<Bounds> {
    const current = readBounds(this.#deps.db, tail.id)
      .then(boundsOf)
      .finally(() => {
        if (query.next === undefined) this.#bounds.delete(tail);
      });
    const query: BoundsQuery = { current, next: undefined };
    this.#bounds.set(tail, query);
    return current;
  }

  async #compareEpoch(): Promise<void> {
    const { db, log, logger } = this.#deps;
    const { epoch } = await openLog(db);
    if (epoch === log.epoch && !(await this.#hasGoneBack())) return;
    if (epoch === log.epoch) {
      logger.error("the database lacks events that were read: an older copy was put back");
      await renewEpoch(db, epoch);
      return this.#compareEpoch();
    }
    logger.warn({ from: log.epoch, to: epoch }, "the database holds another log; all readers reset");
    log.epoch = epoch;
    for (const tail of this.all()) this.#break(tail);
  }

  async #hasGoneBack(): Promise<boolean> {
    const heads = new Map(this.all().map(({ id, head }) => [id, head]));
    const { hasGoneBack, flushed } = await compareProgress(this.#deps.db, { heads, flushed: this.#flushed });
    this.#flushed = flushed;
    return hasGoneBack;
  }

  #break(tail: Tail): void {
    const { logger, onBreak } = this.#deps;
    logger.warn({ room: tail.id }, "the log does not continue the room's tail; the room's readers reset");
    this.forget(tail);
    onBreak(tail);
  }
}

/** A room that is gone has none. */
function boundsOf(stored: StoredBounds | undefined): Bounds {
  if (stored === undefined) return { head: 0, oldest: 1, sum: undefined };
  const { head, oldest, at, memberId } = stored;
  const sum = at === null || memberId === null ? undefined : sumOf({ at: at.toISOString(), member: { id: memberId } });
  return { head, oldest, sum };
}

/**
 * Returns the events after the last gap: an operator may have deleted some by hand, and a tail has
 * no gaps.
 */
function newestRun(events: RoomEvent[]): RoomEvent[] {
  const gap = events.findLastIndex((event, index) => event.seq !== (events[index - 1]?.seq ?? event.seq - 1) + 1);
  return events.slice(Math.max(0, gap));
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

function ignore(): void {}
