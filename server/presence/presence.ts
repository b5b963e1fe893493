import { setTimeout as pause } from "node:timers/promises";
import type { Knex } from "knex";
import { type Membership, touchMembers } from "../../db/log/members.ts";
import { type NodeWatchers, noteUse, publishPresence, readPresence, writeWatchers } from "../../db/log/presence.ts";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import type { MembersSignal, RoomEvent } from "../../protocol/event.ts";
import type { Config } from "../config.ts";
import type { Hub } from "../delivery/hub.ts";
import type { Reader } from "../delivery/reader.ts";
import type { Tail } from "../delivery/tail.ts";
import { numberOf, watcherOf } from "../delivery/watcher.ts";
import type { Logger } from "../log.ts";
import { createOutage, type Outage } from "../outage.ts";
import { keyOf, SeenMembers } from "./seen.ts";
import { createSweep, type Sweep } from "./sweep.ts";
import { countWatchers, Lingerers, type Watchers } from "./watchers.ts";

/**
 * A full presence round writes all connected members, and those that posted or disconnected since,
 * as seen: this often, or three times within the grace if that is shorter. A member that the last
 * round did not see is written soon. So 1,000 members with a message each second are 100 rows a
 * second, not 1,000.
 */
const ROUND_MS = 10_000;

/**
 * Members in one statement. 1,000 take PostgreSQL 25 ms, during which no message is committed or
 * read if both share a core; 100 take 3 ms. 10,000 members are written in 100 slices, so in 2.5 s.
 */
const SLICE = 100;

/** The pause between two slices, in which messages go on. */
const SLICE_PAUSE_MS = 20;

/**
 * The number of visitors is published no more often than this: a crowd of thousands takes 20 s to
 * come back.
 */
const VISITORS_MS = 2_000;

/** A change of presence may wait this long, so that a crowd that enters at once costs one read. */
const SOON_MS = 500;

/** Rooms are counted, and their readers are sent the figures, no more often than this. */
const FIGURES_MS = 1_000;

/**
 * A reader counts as a visitor for this many times as long as its member would count as seen, 60 s:
 * the client of a visitor need not confirm its stream, so nothing proves that it is still there.
 */
const COUNTED = 4 / 3;

/**
 * A watcher whose connection has ended counts this much longer. Its next poll, or the one that
 * replaces a stream, comes within the client's back-off of 2 s.
 */
const LINGER_MS = 4_000;

/**
 * A member who leaves is about to leave the page too. One that stays is a watcher after this time.
 */
const LEAVING_MS = 5_000;

/** How long the page of a member who has entered may still have the connections of a watcher. */
const ENTERING_MS = 60_000;

/**
 * Names in a row of the database. With more watchers than this at a node, one counted twice is 0.5
 * %.
 */
const NAMES_WRITTEN = 200;

type Dependencies = {
  db: Knex;
  wakeUps: WakeUps;
  node: string;
  config: Pick<Config, "graceSeconds" | "seenMs">;
  logger: Logger;
  hub: Hub;
};

/**
 * Writes the members connected to this node to the database, and sends the figures of all nodes to
 * this node's readers.
 *
 * A member is present while some node saw it within the grace. So coming back within the grace is
 * no event, and the members of a node that died leave on their own. After a start, or when the
 * database comes back, nobody is swept for one grace, so that all have the time to be seen again.
 *
 * A connection alone is no sign of life: its other end may have vanished silently, and TCP notices
 * only after a quarter of an hour. A member counts as seen for `seenMs` after its client last sent
 * something.
 */
export class Presence {
  readonly #deps: Dependencies;
  readonly #roundMs: number;
  readonly #seen = new SeenMembers();
  /** The members that the last complete round saw. */
  #present = new Set<string>();
  /** The set that the current round fills; it becomes `#present` when the round is complete. */
  #noted = this.#present;
  /** The rooms whose figures or typists may have changed. */
  readonly #changed = new Set<number>();
  /** The watchers of each room, as last written. */
  #watchers = new Map<number, Watchers>();
  readonly #lingerers = new Lingerers();
  /** Readers that are sent the figures once these contain them, whether or not they change then. */
  readonly #uncounted = new Set<Reader>();
  /** The names under which members who have just entered a room may still watch it. */
  readonly #entered = new Map<string, { roomId: number; name: string; memberId: string; until: number }>();
  /** The members who have just left a room, and until when they are not counted as its watchers. */
  readonly #leaving = new Map<string, number>();
  #visitorsAt = Number.NEGATIVE_INFINITY;
  #haveReadersChanged = false;
  #roundAt = performance.now();
  #workingSince = performance.now();
  #figuresAt = Number.NEGATIVE_INFINITY;
  #isStopped = false;
  #underWay: Promise<void> | undefined;
  #soon: NodeJS.Timeout | undefined;
  readonly #outage: Outage;
  /** Whether this round has asked the database. */
  #hasAsked = false;
  readonly #sweep: Sweep;
  readonly #timer: NodeJS.Timeout;

  constructor(deps: Dependencies) {
    const { db, wakeUps, config, logger } = deps;
    this.#deps = deps;
    this.#roundMs = Math.min(ROUND_MS, (config.graceSeconds * 1000) / 3);
    this.#outage = createOutage(logger, "publishing presence");
    this.#sweep = createSweep({ db, wakeUps, graceSeconds: config.graceSeconds, logger });
    this.#timer = setInterval(() => this.#run(), this.#roundMs).unref();
  }

  /**
   * Notes that a member in a room has sent something and will send nothing for `forMs`, after which
   * its grace begins.
   */
  noteSeen(membership: Membership, forMs = 0): void {
    this.#seen.note(membership, performance.now() + forMs);
    if (!this.hasSeen(membership)) this.#runSoon();
  }

  /**
   * Notes that a member has entered or posted, so that it is in the room and its row says that it
   * was seen. Under these names it may have watched the room until now.
   */
  noteEntered(membership: Membership, names: string[] = []): void {
    this.#seen.note(membership, performance.now());
    this.#notePresent(membership);
    const until = performance.now() + ENTERING_MS;
    for (const name of names) this.#entered.set(`${membership.roomId} ${name}`, { ...membership, name, until });
    if (names.length === 0) return;
    // The figures that contain the member must not contain it as a watcher too.
    this.#visitorsAt = Number.NEGATIVE_INFINITY;
    this.#countSoon();
  }

  /**
   * Notes that somebody watches a room by pages that load each other, without a connection between.
   */
  noteWatching(roomId: number, name: string, { forMs, network }: { forMs: number; network: string }): void {
    this.#lingerers.note(roomId, name, { until: performance.now() + forMs, network });
    this.#countSoon();
  }

  /** Returns whether the figures of its rooms contain a reader, or cannot tell it from others. */
  counts(reader: Reader): boolean {
    const name = watcherOf(reader);
    return name === undefined || reader.tails.every((tail) => tail.isInbox || this.#countsIn(tail.id, reader, name));
  }

  /** Returns whether the member was in the room a few seconds ago, as far as this node knows. */
  hasSeen(membership: Membership): boolean {
    return this.#present.has(keyOf(membership));
  }

  /** Notes that a reader of a room came or went. */
  onReader(tail: Tail, reader: Reader): void {
    this.#noteReader(tail, reader);
    // Once the figures are known, they change when the number of visitors is written.
    if (tail.members === undefined || reader.isUncounted) this.#changed.add(tail.id);
    if (!reader.isOpen) this.#noteGone(tail, reader);
    else if (reader.isUncounted) this.#uncounted.add(reader);
    this.#countSoon();
  }

  /** Notes that members entered and left a room, as its log says. */
  onMoves({ id: roomId }: Tail, events: RoomEvent[]): void {
    for (const { kind, member } of events) {
      const membership = { roomId, memberId: member.id };
      if (kind === "enter") this.#notePresent(membership);
      else if (kind === "leave") this.#noteAbsent(membership);
    }
    this.#haveReadersChanged = true;
    this.onPresence([roomId]);
  }

  /** Notes that the figures or typists of these rooms changed, here or on another node. */
  onPresence(roomIds: number[]): void {
    for (const roomId of roomIds) this.#changed.add(roomId);
    this.#runSoon();
  }

  /** Writes at once who is connected to this node, as a round does. */
  async writeNow(): Promise<void> {
    await this.#underWay;
    this.#roundAt = Number.NEGATIVE_INFINITY;
    this.#run();
    await this.#underWay;
  }

  /** Removes at once the members whom no node has seen for the grace period. */
  async sweepNow(): Promise<void> {
    // One that was under way may have read before.
    await this.#sweep.begin();
    await this.#sweep.begin();
  }

  /** Writes the members that were seen last, and that this node has no visitors any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    await this.#underWay;
    await this.#sweep.stop();
    this.#noted = new Set();
    await this.#touch().catch(() => undefined);
    const { db, node } = this.#deps;
    await writeWatchers(db, node, new Map()).catch(() => undefined);
  }

  #noteReader(tail: Tail, { memberId, seenAt }: Reader): void {
    const at = Math.min(performance.now(), seenAt + this.#deps.config.seenMs);
    if (memberId !== undefined) this.#seen.note({ roomId: tail.id, memberId }, at);
  }

  #notePresent(membership: Membership): void {
    const key = keyOf(membership);
    this.#present.add(key);
    this.#noted.add(key);
    this.#leaving.delete(key);
  }

  #noteAbsent(membership: Membership): void {
    const key = keyOf(membership);
    this.#present.delete(key);
    this.#noted.delete(key);
    this.#leaving.set(key, performance.now() + LEAVING_MS);
  }

  /** A member that leaves the page is still in the room, for the grace period at least. */
  #noteGone(tail: Tail, reader: Reader): void {
    this.#uncounted.delete(reader);
    const { memberId, returnsInMs, network } = reader;
    const name = watcherOf(reader);
    if (name === undefined || this.#isInside(tail.id, memberId) !== false) return;
    this.#lingerers.note(tail.id, name, { until: performance.now() + LINGER_MS + returnsInMs, network });
  }

  #countsIn(roomId: number, { memberId }: Reader, name: string): boolean {
    if (memberId !== undefined && this.hasSeen({ roomId, memberId })) return true;
    const watchers = this.#watchers.get(roomId);
    return watchers !== undefined && (watchers.names.has(name) || watchers.inside.has(name));
  }

  #countSoon(): void {
    this.#haveReadersChanged = true;
    this.#runSoon();
  }

  #runSoon(): void {
    if (this.#isStopped) return;
    this.#soon ??= setTimeout(() => this.#run(), SOON_MS).unref();
  }

  #run(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    if (this.#underWay !== undefined) {
      this.#runSoon();
      return;
    }
    this.#hasAsked = false;
    this.#underWay = this.#write()
      .then(() => this.#sendFigures())
      .then(() => {
        // A round with nothing to write or read shows nothing about the database.
        if (this.#hasAsked) this.#outage.succeeded();
      })
      .catch((error) => {
        this.#workingSince = performance.now();
        this.#outage.failed(error);
      })
      .finally(() => {
        this.#underWay = undefined;
      });
  }

  /**
   * Writes the members connected to this node: all of them in a full round, else only the new ones.
   */
  async #write(): Promise<void> {
    const { hub, config } = this.#deps;
    const now = performance.now();
    const isFull = now - this.#roundAt >= this.#roundMs * 0.9;
    if (isFull) {
      this.#noted = new Set();
      for (const reader of hub.readers)
        for (const tail of reader.tails) if (!tail.isInbox) this.#noteReader(tail, reader);
      // A node that died notifies nobody, and a node without notifications misses all of them.
      for (const tail of hub.rooms.all()) if (!tail.isInbox && hub.readersOf(tail).size > 0) this.#changed.add(tail.id);
    }
    await this.#touch();
    if (isFull || (this.#haveReadersChanged && now - this.#visitorsAt >= VISITORS_MS))
      await this.#writeVisitors(isFull);
    else if (this.#haveReadersChanged) this.#runSoon();
    if (!isFull) return;
    this.#roundAt = now;
    if (now - this.#workingSince >= config.graceSeconds * 1000) void this.#sweep.begin();
  }

  /**
   * Writes the members that this round has not written yet; all others wait for the next full
   * round. A round of many is written a slice at a time.
   */
  async #touch(): Promise<void> {
    const due = this.#seen.takeExcept(this.#noted);
    try {
      while (due.length > 0) {
        const now = performance.now();
        const slice = due.slice(0, SLICE).map(({ at, ...membership }) => ({ ...membership, agoMs: now - at }));
        this.#hasAsked = true;
        for (const membership of await touchMembers(this.#deps.db, slice)) this.#noted.add(keyOf(membership));
        due.splice(0, SLICE);
        if (due.length > 0 && !this.#isStopped) await pause(SLICE_PAUSE_MS);
      }
    } catch (error) {
      // A member that sends nothing is not seen a second time, so all are kept for the next round.
      for (const one of due) this.#seen.note(one, one.at);
      throw error;
    }
    this.#present = this.#noted;
  }

  async #writeVisitors(isFull: boolean): Promise<void> {
    const { db, wakeUps, node } = this.#deps;
    this.#visitorsAt = performance.now();
    const before = this.#watchers;
    this.#watchers = this.#countWatchers();
    // The next count leaves out those who do not come back.
    this.#haveReadersChanged = !this.#lingerers.isEmpty || this.#leaving.size > 0;
    if (this.#haveReadersChanged) this.#runSoon();
    const rooms = new Set([...before.keys(), ...this.#watchers.keys()]);
    const changed = [...rooms].filter((roomId) => !isSame(before.get(roomId), this.#watchers.get(roomId)));
    if (changed.length === 0 && !(isFull && this.#watchers.size > 0)) return;
    this.#hasAsked = true;
    await writeWatchers(db, node, new Map([...this.#watchers].map(([roomId, counted]) => [roomId, rowOf(counted)])));
    await noteUse(db, [...this.#watchers.keys()]);
    if (changed.length > 0) await publishPresence(wakeUps, changed);
  }

  #countWatchers(): Map<number, Watchers> {
    for (const [key, until] of this.#leaving) if (until < this.#visitorsAt) this.#leaving.delete(key);
    const entered = this.#namesEntered();
    const counted = new Map<number, Watchers>();
    for (const tail of this.#deps.hub.rooms.all()) {
      if (tail.isInbox) continue;
      const watchers = this.#watchersOf(tail, entered.get(tail.id) ?? []);
      if (watchers.visitors > 0 || watchers.inside.size > 0) counted.set(tail.id, watchers);
    }
    return counted;
  }

  /** Counts the readers of a room that were seen lately and are not present in it as members. */
  #watchersOf(tail: Tail, entered: string[]): Watchers {
    const { hub, config } = this.#deps;
    const since = this.#visitorsAt - COUNTED * config.seenMs;
    return countWatchers(
      [...hub.readersOf(tail)].filter(({ seenAt }) => seenAt >= since),
      {
        isInside: (memberId) => this.#isInside(tail.id, memberId),
        lingering: this.#lingerers.in(tail.id, this.#visitorsAt),
        entered,
      },
    );
  }

  /** Returns the names of members who have just entered, by room, and forgets the others. */
  #namesEntered(): Map<number, string[]> {
    const byRoom = new Map<number, string[]>();
    for (const [key, one] of this.#entered) {
      const names = byRoom.get(one.roomId);
      if (one.until < this.#visitorsAt || !this.hasSeen(one)) this.#entered.delete(key);
      else if (names) names.push(one.name);
      else byRoom.set(one.roomId, [one.name]);
    }
    return byRoom;
  }

  /**
   * Returns whether a reader is a member of the room. Returns `undefined` if that is about to
   * change: a member that came while the last ones were written, or one that has just left.
   */
  #isInside(roomId: number, memberId: string | undefined): boolean | undefined {
    if (memberId === undefined) return false;
    const membership = { roomId, memberId };
    if (this.hasSeen(membership)) return true;
    return this.#seen.has(membership) || this.#leaving.has(keyOf(membership)) ? undefined : false;
  }

  /** Reads the figures that may have changed, and sends them to this node's readers. */
  async #sendFigures(): Promise<void> {
    const { db, hub } = this.#deps;
    if (this.#changed.size === 0) return;
    if (performance.now() - this.#figuresAt < FIGURES_MS) {
      this.#runSoon();
      return;
    }
    const tails = hub.rooms.tailsOf([...this.#changed]);
    this.#changed.clear();
    if (tails.length === 0) return;
    this.#figuresAt = performance.now();
    this.#hasAsked = true;
    const known = await readPresence(
      db,
      tails.map(({ id }) => id),
    );
    const byRoom = new Map(known.map((presence) => [presence.roomId, presence]));
    for (const tail of tails) {
      const presence = byRoom.get(tail.id);
      if (presence === undefined) hub.close(tail);
      else this.#sendFiguresOf(tail, presence);
    }
  }

  #sendFiguresOf(tail: Tail, { slug, members, visitors, typing }: RoomPresence): void {
    const { hub } = this.#deps;
    const haveChanged = tail.members?.members !== members || tail.members.visitors !== visitors;
    if (haveChanged) tail.members = { room: slug, members, visitors };
    const signal = { name: "members", data: tail.members as MembersSignal } as const;
    if (haveChanged) hub.signal(tail, signal);
    for (const reader of this.#uncounted) {
      if (!reader.tails.includes(tail) || !this.counts(reader)) continue;
      reader.isUncounted = false;
      this.#uncounted.delete(reader);
      reader.transport.signal(signal, reader);
    }
    if (typing.length > 0) hub.signal(tail, { name: "typing", data: { room: slug, nicknames: typing } });
  }
}

/** Returns a count as it is written to the database. */
function rowOf({ visitors, names, inside }: Watchers): NodeWatchers {
  return {
    visitors,
    pages: names.size > NAMES_WRITTEN ? null : [...names].map(numberOf),
    inside: [...inside].slice(0, NAMES_WRITTEN).map(numberOf),
  };
}

/** A member who is no longer in the room makes no difference until it watches. */
function isSame(one: Watchers | undefined, other: Watchers | undefined): boolean {
  if (one === undefined || other === undefined || one.visitors !== other.visitors) return one === other;
  return one.names.size === other.names.size && isWithin(one.names, other.names) && isWithin(other.inside, one.inside);
}

function isWithin(some: Set<string>, all: Set<string>): boolean {
  for (const one of some) if (!all.has(one)) return false;
  return true;
}

type RoomPresence = Awaited<ReturnType<typeof readPresence>>[number];
