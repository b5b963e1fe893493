import type { Knex } from "knex";
import { type LogIdentity, openLog } from "../../db/log/log.ts";
import { readPage } from "../../db/log/read.ts";
import type { ByeSignal, ResetReason, RoomEvent } from "../../protocol/event.ts";
import { PAGE_EVENTS } from "../../protocol/limits.ts";
import type { Logger } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { type Bounds, createBounds } from "./bounds.ts";
import { createNews } from "./log-reader.ts";
import { createNonces } from "./nonces.ts";
import { type Occupant, Reader, type Signal } from "./reader.ts";
import { retryMs } from "./retry.ts";
import { createPlaces, type Places, type Visitor } from "./slots.ts";
import type { Tail } from "./tail.ts";
import { createTails } from "./tails.ts";
import { createBeat } from "./tick.ts";
import { createTurns } from "./turns.ts";

/**
 * Bytes that a reader gets at a time while it catches up, and must read before it gets more: a long page of the shortest
 * messages, seven of the longest. 1,000 readers that never read hold 64 MB.
 */
export const PAGE_BYTES = 64 * 1024;

/** A tab or two for each of a member's devices; nobody reads more of them. */
const MEMBER_PLACES = 20;

/** An office of 200 people has a few tabs each, also at a node for few readers. */
const NETWORK_PLACES_MIN = 500;

/** The readers of this process by room, and the one road by which events come to them: read the log after the tail. */
export type Hub = {
  /** The rooms of these slugs, in that order; `undefined` when one does not exist. */
  open(slugs: string[]): Promise<Tail[] | undefined>;
  tails(): Tail[];
  /** The tail of a room, if it is in memory. */
  tailOf(roomId: number): Tail | undefined;
  /** Does this tail still get its room's news? */
  has(tail: Tail): boolean;
  readers: ReadonlySet<Reader>;
  /** The places of readers and of kept poll connections. */
  places: Places<Occupant>;
  /** First kept and last seq of a room, asked of the log. */
  bounds(tail: Tail): Promise<Bounds>;
  /** A page of the log after a seq, for a reader from before the tail; the networks take turns. */
  backlog(tail: Tail, after: number, network: string): Promise<RoomEvent[]>;
  /** Gives a reader a place and starts its heartbeat. Returns `false` if there is no place for it. */
  admit(reader: Reader, visitor: Visitor): boolean;
  /** Starts the heartbeat of a reader that needs no place of its own. */
  add(reader: Reader): void;
  /** Asks a reader to come back later, here or at another node, and ends it. */
  sendAway(reader: Reader, bye: ByeSignal): void;
  /** Lets a reader that a tail reaches have what it lacks, and live with the tail from then on. */
  attach(reader: Reader, tail: Tail): void;
  /** Ends a reader, or forgets one whose connection has ended. */
  remove(reader: Reader): void;
  /** Notes that a client confirmed the stream with this nonce; `false` if it is not on this node. */
  confirm(nonce: string): boolean;
  countReset(reason: ResetReason): void;
  /** These rooms, or all that are open here, may have news. */
  wake(roomIds?: number[]): void;
  /** How long a message may wait to be committed, since its room will not be read here before. */
  patienceMs(tail: Tail): number;
  /** Drops the tail of a removed room and disconnects its readers. */
  close(tail: Tail): void;
  /** Hands a signal to a room's readers. */
  signal(tail: Tail, signal: Signal): void;
  /** Reads which log the database holds, once at a time. If it is another one, all readers reset. */
  checkEpoch(): Promise<void>;
  stop(): void;
};

type Surroundings = {
  db: Knex;
  log: LogIdentity;
  logger: Logger;
  metrics: Metrics;
  /** The longest that a busy room's news wait for more. */
  beatMs: number;
  /** How many places there are. */
  readersMax: number;
  /** Do networks and members have shares of the places? */
  hasShares: boolean;
  /** A reader of a room came or went. */
  onReader: (tail: Tail, reader: Reader) => void;
  /** Somebody entered or left a room. */
  onMember: (roomId: number) => void;
};

/** Opens the hub of a node; `log` is told here when another one stands in its place. */
export function createHub(surroundings: Surroundings): Hub {
  const { db, log, logger, metrics, beatMs, readersMax, hasShares, onReader, onMember } = surroundings;
  const readers = new Set<Reader>();
  const nonces = createNonces();
  const places = createPlaces({
    max: readersMax,
    networkMax: hasShares ? Math.max(readersMax / 4, NETWORK_PLACES_MIN) : Number.POSITIVE_INFINITY,
    memberMax: hasShares ? MEMBER_PLACES : Number.POSITIVE_INFINITY,
    dismiss,
  });
  const begin = (due: Tail[]) => news.wake(due.map((tail) => tail.id));
  const beat = createBeat({ beatMs, begin, beat: (reader) => reader.transport.beat(reader) });
  const tails = createTails(db, log, (tail) => news.wake([tail.id]));
  const news = createNews({ db, logger, tails, checkEpoch, onEvents, onBreak });
  // two at a time: a crowd that comes back from afar must not take the pool from those who speak
  const backlogTurns = createTurns(2);
  let epochCheck: Promise<void> | undefined;

  return {
    open: tails.open,
    tails: tails.all,
    tailOf: tails.get,
    has: tails.has,
    readers,
    places,
    bounds: createBounds(db),
    backlog,
    admit,
    add,
    sendAway,
    attach,
    remove,
    confirm: nonces.confirm,
    countReset: (reason) => metrics.resets.inc({ reason }),
    wake,
    patienceMs: beat.patienceMs,
    close,
    signal,
    checkEpoch,
    stop,
  };

  async function backlog(tail: Tail, after: number, network: string): Promise<RoomEvent[]> {
    return backlogTurns(network, () => readPage(db, { roomId: tail.id, after, limit: PAGE_EVENTS, bytes: PAGE_BYTES }));
  }

  function admit(reader: Reader, visitor: Visitor): boolean {
    reader.admission = places.take(reader, visitor);
    if (reader.admission) add(reader);
    return reader.admission !== undefined;
  }

  function add(reader: Reader): void {
    readers.add(reader);
    nonces.add(reader);
    beat.schedule(reader, reader.transport.firstBeatMs);
  }

  function attach(reader: Reader, tail: Tail): void {
    // forgotten while the reader caught up, such a tail gets no more news: the client comes back to the new one
    if (!tails.has(tail)) {
      remove(reader);
      return;
    }
    tail.readers.add(reader);
    onReader(tail, reader);
    reader.advance(tail);
  }

  function remove(reader: Reader): void {
    if (!reader.isOpen) return;
    reader.isOpen = false;
    readers.delete(reader);
    nonces.remove(reader);
    beat.forget(reader);
    if (reader.admission) places.free(reader.admission);
    for (const tail of reader.tails) {
      tail.usedAt = performance.now();
      if (tail.readers.delete(reader)) onReader(tail, reader);
    }
    reader.transport.end(reader);
  }

  function sendAway(reader: Reader, bye: ByeSignal): void {
    reader.transport.signal({ name: "bye", data: bye }, reader);
    remove(reader);
  }

  /** Disconnects a reader that has lost its place. */
  function dismiss(occupant: Occupant): void {
    metrics.evicted.inc();
    const bye = { retry: retryMs(readers.size), reason: "full" } as const;
    if (occupant instanceof Reader) sendAway(occupant, bye);
    else occupant.hangUp(bye);
  }

  function wake(roomIds?: number[]): void {
    if (roomIds === undefined) sweep();
    const woken = roomIds?.map(tails.get).filter((tail) => tail !== undefined) ?? tails.all();
    beat.news(woken);
  }

  /** Every few seconds, not with every message. */
  function sweep(): void {
    tails.forgetUnused();
    metrics.rooms.set(tails.all().length);
  }

  function onEvents(tail: Tail, events: RoomEvent[]): void {
    metrics.read.inc(events.length);
    if (events.some((event) => event.kind !== "message")) onMember(tail.id);
    flush(tail);
  }

  function flush(tail: Tail): void {
    const begunAt = performance.now();
    tail.sent = tail.head;
    metrics.writes.inc(tail.readers.size);
    for (const reader of tail.readers) {
      if (reader.isSlow()) removeSlow(reader);
      else reader.advance(tail);
    }
    tail.trim();
    tail.flushMs = performance.now() - begunAt;
  }

  function removeSlow(reader: Reader): void {
    metrics.slowReaders.inc();
    remove(reader);
  }

  function signal(tail: Tail, news: Signal): void {
    for (const reader of tail.readers) {
      if (reader.isSlow()) removeSlow(reader);
      else reader.transport.signal(news, reader);
    }
  }

  function checkEpoch(): Promise<void> {
    epochCheck ??= compareEpoch().finally(() => {
      epochCheck = undefined;
    });
    return epochCheck;
  }

  async function compareEpoch(): Promise<void> {
    const { epoch } = await openLog(db);
    if (epoch === log.epoch) return;
    logger.warn({ from: log.epoch, to: epoch }, "the database holds another log; all readers reset");
    log.epoch = epoch;
    for (const tail of tails.all()) onBreak(tail);
  }

  /** Its readers come back with their cursors and are answered from the log as it is now. */
  function onBreak(tail: Tail): void {
    logger.warn({ room: tail.id }, "the log does not continue what was read of it; the room's readers reset");
    close(tail);
  }

  function close(tail: Tail): void {
    tails.forget(tail);
    for (const reader of tail.readers) remove(reader);
  }

  function stop(): void {
    news.stop();
    beat.stop();
    for (const reader of readers) remove(reader);
  }
}
