import type { Knex } from "knex";
import type { LogIdentity } from "../../db/log/log.ts";
import type { InboxKey } from "../../db/log/whispers.ts";
import type { ByeSignal, ResetReason, RoomEvent } from "../../protocol/event.ts";
import type { Logger } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { Heartbeats } from "./heartbeats.ts";
import { Inboxes } from "./inboxes.ts";
import { createNonces } from "./nonces.ts";
import { type Occupant, Reader } from "./reader.ts";
import { retryMs } from "./retry.ts";
import { Rooms } from "./rooms.ts";
import type { Signal } from "./signal.ts";
import { Slots } from "./slots.ts";
import type { Tail } from "./tail.ts";
import { RoomTick } from "./tick.ts";

/** A member has a few devices with a tab or two each. */
const MEMBER_SLOTS = 20;

/** An office of 200 people has a few tabs each, also on a node for few readers. */
const NETWORK_SLOTS_MIN = 500;

type Dependencies = {
  db: Knex;
  log: LogIdentity;
  logger: Logger;
  metrics: Metrics;
  /** The longest that a busy room's events wait for more. */
  longestTickMs: number;
  /** The number of slots. */
  readersMax: number;
  /** Do networks and members have shares of the slots? */
  hasShares: boolean;
  /** A reader of a room came or went. */
  onReader(tail: Tail, reader: Reader): void;
  /** Events were read of a room, in which a member entered or left. */
  onMoves(tail: Tail, events: RoomEvent[]): void;
};

/**
 * The readers of this node by room. All events come to them in one way: by reading the log after a
 * tail.
 */
export class Hub {
  /** The rooms in memory. */
  readonly rooms: Rooms;
  /** The inboxes of the members that read here. */
  readonly inboxes: Inboxes;
  /** The slots of readers and of kept poll connections. */
  readonly slots: Slots<Occupant>;
  readonly #deps: Dependencies;
  readonly #readers = new Set<Reader>();
  /** Holds only tails that have readers. */
  readonly #byTail = new Map<Tail, Set<Reader>>();
  readonly #nonces = createNonces();
  readonly #heartbeats = new Heartbeats();
  readonly #tick: RoomTick;
  #isStale = false;

  constructor(deps: Dependencies) {
    const { readersMax, hasShares } = deps;
    this.#deps = deps;
    this.rooms = new Rooms({
      ...deps,
      isRead: (tail) => this.#byTail.has(tail),
      onEvents: (tail, events) => this.#onEvents(tail, events),
      onBreak: (tail) => this.#sendReadersAway(tail),
    });
    this.inboxes = new Inboxes({
      ...deps,
      rooms: this.rooms,
      reads: (owner) => this.#readersOf(owner).length > 0,
      follow: (inbox, owner) => this.#follow(inbox, owner),
    });
    this.slots = new Slots({
      max: readersMax,
      networkMax: hasShares ? Math.max(readersMax / 4, NETWORK_SLOTS_MIN) : Number.POSITIVE_INFINITY,
      memberMax: hasShares ? MEMBER_SLOTS : Number.POSITIVE_INFINITY,
      dismiss: (occupant) => this.#dismiss(occupant),
    });
    this.#tick = new RoomTick({ longestMs: deps.longestTickMs, read: (tails) => this.rooms.read(tails) });
  }

  /** All readers of this node. */
  get readers(): ReadonlySet<Reader> {
    return this.#readers;
  }

  /** Returns the readers of a tail that have caught up with it. */
  readersOf(tail: Tail): ReadonlySet<Reader> {
    return this.#byTail.get(tail) ?? NO_READERS;
  }

  /** Adds a reader and starts its heartbeat. */
  add(reader: Reader): void {
    this.#readers.add(reader);
    this.#nonces.add(reader);
    this.#heartbeats.schedule(reader, reader.transport.firstHeartbeatMs);
  }

  /** Sends a reader its backlog, which the tail reaches, and from then on every new event. */
  attach(reader: Reader, tail: Tail): void {
    // A tail that was forgotten while the reader caught up gets no more events. The client returns
    // to the new one.
    if (!this.rooms.has(tail)) {
      this.sendAway(reader, { retry: this.#retryMs() });
      return;
    }
    const readers = this.#byTail.get(tail);
    if (readers) readers.add(reader);
    else this.#byTail.set(tail, new Set([reader]));
    if (!tail.isInbox) this.#deps.onReader(tail, reader);
    reader.advance(tail);
  }

  /** Asks a reader to come back later, here or at another node, and ends it. */
  sendAway(reader: Reader, bye: ByeSignal): void {
    reader.returnsInMs = bye.retry;
    reader.transport.signal({ name: "bye", data: bye }, reader);
    this.remove(reader);
  }

  /** Ends a reader, or forgets one whose connection has ended. */
  remove(reader: Reader): void {
    if (!reader.isOpen) return;
    reader.isOpen = false;
    this.#readers.delete(reader);
    this.#nonces.remove(reader);
    this.#heartbeats.forget(reader);
    if (reader.slot) this.slots.free(reader.slot);
    for (const tail of reader.tails) this.#detach(reader, tail);
    reader.transport.end(reader);
  }

  /**
   * Notes that a client confirmed the stream with this nonce. Returns `false` if it is not on this
   * node.
   */
  confirm(nonce: string): boolean {
    return this.#nonces.confirm(nonce);
  }

  /** Counts a reader whose cursor could not be continued. */
  countReset(reason: ResetReason): void {
    this.#deps.metrics.resets.inc({ reason });
  }

  /** Has rooms read that may have events: these, or all in memory. */
  wake(roomIds?: number[]): void {
    if (roomIds !== undefined) {
      this.#tick.wake(this.rooms.tailsOf(roomIds));
      return;
    }
    // Every few seconds only, not with every message.
    this.rooms.forgetUnread();
    const tails = this.rooms.all();
    this.#deps.metrics.rooms.set(tails.filter(({ isInbox }) => !isInbox).length);
    this.#tick.wake(tails);
  }

  /**
   * Returns how long a message may wait to be committed, since its room is not read here before.
   */
  patienceMs(tail: Tail): number {
    return this.#tick.patienceMs(tail);
  }

  /** Sends a signal to a room's readers. Figures go only to those that they contain. */
  signal(tail: Tail, signal: Signal): void {
    for (const reader of this.readersOf(tail)) {
      if (reader.isUncounted && signal.name === "members") continue;
      if (reader.isSlow()) this.#removeSlow(reader);
      else reader.transport.signal(signal, reader);
    }
  }

  /**
   * Shows the readers for how many seconds the log could not be read, `undefined` if it can: in all
   * their pings, and at once when that begins and ends.
   */
  showStale(seconds: number | undefined): void {
    const wasStale = this.#isStale;
    this.#isStale = seconds !== undefined;
    if (!wasStale && !this.#isStale) return;
    for (const tail of this.rooms.all()) tail.stale = seconds;
    if (wasStale === this.#isStale) return;
    for (const reader of this.#readers)
      if (reader.hasStarted && !reader.isSlow()) reader.transport.signal(reader.ping(), reader);
  }

  /**
   * Drops the tail of a removed room and sends its readers away. They get a refusal when they come
   * back.
   */
  close(tail: Tail): void {
    this.rooms.forget(tail);
    this.#sendReadersAway(tail, "not_allowed");
  }

  /** Ends all readers and reads no more. */
  stop(): void {
    this.rooms.stop();
    this.#tick.stop();
    this.#heartbeats.stop();
    for (const reader of this.#readers) this.remove(reader);
  }

  #detach(reader: Reader, tail: Tail): void {
    tail.usedAt = performance.now();
    const readers = this.#byTail.get(tail);
    if (!readers?.delete(reader)) return;
    if (readers.size === 0) this.#byTail.delete(tail);
    if (!tail.isInbox) this.#deps.onReader(tail, reader);
  }

  /** Returns the readers of a member that follow a room and may read its whispers. */
  #readersOf({ roomId, memberId }: InboxKey): Reader[] {
    const isOwners = (reader: Reader) => reader.readsWhispers && reader.memberId === memberId;
    return [...this.#readers].filter((one) => isOwners(one) && one.tails.some(({ id }) => id === roomId));
  }

  /** Sends a member's new inbox to its readers. Those on their way in get it when they catch up. */
  #follow(inbox: Tail, owner: InboxKey): void {
    for (const reader of this.#readersOf(owner)) {
      if (reader.tails.includes(inbox)) continue;
      reader.follow(inbox);
      if (!reader.hasStarted) continue;
      // Otherwise its client comes back at once, and catches up.
      if (inbox.reaches(0)) this.attach(reader, inbox);
      else this.sendAway(reader, { retry: 0 });
    }
  }

  #onEvents(tail: Tail, events: RoomEvent[]): void {
    this.#deps.metrics.read.inc(events.length);
    if (events.some(({ kind }) => kind === "enter" || kind === "leave")) this.#deps.onMoves(tail, events);
    this.#flush(tail);
  }

  #flush(tail: Tail): void {
    const begunAt = performance.now();
    const readers = this.readersOf(tail);
    tail.sent = tail.head;
    this.#deps.metrics.writes.inc(readers.size);
    for (const reader of readers) {
      if (reader.isSlow()) this.#removeSlow(reader);
      else reader.advance(tail);
    }
    tail.trim();
    tail.flushMs = performance.now() - begunAt;
  }

  #removeSlow(reader: Reader): void {
    this.#deps.metrics.slowReaders.inc();
    this.remove(reader);
  }

  /**
   * Sends the readers of a forgotten tail away. They come back with their cursors and are answered
   * from the log as it is.
   */
  #sendReadersAway(tail: Tail, reason?: ByeSignal["reason"]): void {
    for (const reader of this.readersOf(tail))
      this.sendAway(reader, { retry: this.#retryMs(), ...(reason !== undefined && { reason }) });
  }

  #retryMs(): number {
    return retryMs(this.#readers.size);
  }

  /** Disconnects an occupant that has lost its slot. */
  #dismiss(occupant: Occupant): void {
    this.#deps.metrics.evicted.inc();
    const bye = { retry: this.#retryMs(), reason: "full" } as const;
    if (occupant instanceof Reader) this.sendAway(occupant, bye);
    else occupant.hangUp(bye);
  }
}

const NO_READERS: ReadonlySet<Reader> = new Set();
