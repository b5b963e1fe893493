import type { Knex } from "knex";
import { type Membership, touchMembers } from "../../db/log/members.ts";
import { noteUse, publishPresence, readPresence, writeWatchers } from "../../db/log/presence.ts";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import type { Config } from "../config.ts";
import type { Hub } from "../delivery/hub.ts";
import type { Reader } from "../delivery/reader.ts";
import type { Tail } from "../delivery/tail.ts";
import type { Logger } from "../log.ts";
import { createOutage, type Outage } from "../outage.ts";
import { keyOf, SeenMembers } from "./seen.ts";
import { createSweep, type Sweep } from "./sweep.ts";

/**
 * A full presence round writes all connected members, and those that posted or disconnected since,
 * as seen: this often, or three times within the grace if that is shorter. A member that the last
 * round did not see is written soon. So 1,000 members with a message each second are 100 rows a
 * second, not 1,000.
 */
const ROUND_MS = 10_000;

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
  /** The number of visitors of each room, as last written. */
  #visitors = new Map<number, number>();
  #visitorsAt = Number.NEGATIVE_INFINITY;
  #haveReadersChanged = false;
  #roundAt = performance.now();
  #workingSince = performance.now();
  #figuresAt = Number.NEGATIVE_INFINITY;
  #isStopped = false;
  #underWay: Promise<void> | undefined;
  #soon: NodeJS.Timeout | undefined;
  readonly #outage: Outage;
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
   * was seen.
   */
  noteEntered(membership: Membership): void {
    this.#seen.note(membership, performance.now());
    const key = keyOf(membership);
    this.#present.add(key);
    if (this.#noted !== this.#present) this.#noted.add(key);
  }

  /** Returns whether the member was in the room a few seconds ago, as far as this node knows. */
  hasSeen(membership: Membership): boolean {
    return this.#present.has(keyOf(membership));
  }

  /** Notes that a reader of a room came or went. */
  onReader(tail: Tail, reader: Reader): void {
    this.#noteReader(tail, reader);
    this.#haveReadersChanged = true;
    // Once the figures are known, they change when the number of visitors is written.
    if (tail.members === undefined) this.#changed.add(tail.id);
    this.#runSoon();
  }

  /** Notes that the figures or typists of these rooms changed, here or on another node. */
  onPresence(roomIds: number[]): void {
    for (const roomId of roomIds) this.#changed.add(roomId);
    this.#runSoon();
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
    this.#underWay = this.#write()
      .then(() => this.#sendFigures())
      .then(() => this.#outage.succeeded())
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
      for (const reader of hub.readers) for (const tail of reader.tails) this.#noteReader(tail, reader);
      // A node that died notifies nobody, and a node without notifications misses all of them.
      for (const tail of hub.rooms.all()) if (hub.readersOf(tail).size > 0) this.#changed.add(tail.id);
    }
    await this.#touch();
    if (isFull || (this.#haveReadersChanged && now - this.#visitorsAt >= VISITORS_MS))
      await this.#writeVisitors(isFull);
    else if (this.#haveReadersChanged) this.#runSoon();
    if (!isFull) return;
    this.#roundAt = now;
    if (now - this.#workingSince >= config.graceSeconds * 1000) this.#sweep.begin();
  }

  /**
   * Writes the members that this round has not written yet; all others wait for the next full
   * round.
   */
  async #touch(): Promise<void> {
    const due = this.#seen.takeExcept(this.#noted);
    const now = performance.now();
    const memberships = due.map(({ at, ...membership }) => ({ ...membership, agoMs: now - at }));
    const touched = await touchMembers(this.#deps.db, memberships).catch((error) => {
      // A member that sends nothing is not seen a second time, so all are kept for the next round.
      for (const one of due) this.#seen.note(one, one.at);
      throw error;
    });
    for (const membership of touched) this.#noted.add(keyOf(membership));
    this.#present = this.#noted;
  }

  async #writeVisitors(isFull: boolean): Promise<void> {
    const { db, wakeUps, node } = this.#deps;
    this.#haveReadersChanged = false;
    this.#visitorsAt = performance.now();
    const before = this.#visitors;
    this.#visitors = this.#countVisitors();
    const rooms = new Set([...before.keys(), ...this.#visitors.keys()]);
    const changed = [...rooms].filter((roomId) => before.get(roomId) !== this.#visitors.get(roomId));
    if (changed.length === 0 && !(isFull && this.#visitors.size > 0)) return;
    await writeWatchers(db, node, this.#visitors);
    await noteUse(db, [...this.#visitors.keys()]);
    if (changed.length > 0) await publishPresence(wakeUps, changed);
  }

  #countVisitors(): Map<number, number> {
    const visitors = new Map<number, number>();
    for (const tail of this.#deps.hub.rooms.all()) {
      const count = this.#countVisitorsOf(tail);
      if (count > 0) visitors.set(tail.id, count);
    }
    return visitors;
  }

  /** Returns how many readers of a room were seen lately and are not present in it as members. */
  #countVisitorsOf(tail: Tail): number {
    const { hub, config } = this.#deps;
    const since = this.#visitorsAt - COUNTED * config.seenMs;
    let visitors = 0;
    for (const { memberId, seenAt } of hub.readersOf(tail)) {
      if (seenAt < since) continue;
      if (memberId === undefined || !this.hasSeen({ roomId: tail.id, memberId })) visitors += 1;
    }
    return visitors;
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
    if (tail.members?.members !== members || tail.members.visitors !== visitors) {
      tail.members = { room: slug, members, visitors };
      hub.signal(tail, { name: "members", data: tail.members });
    }
    if (typing.length > 0) hub.signal(tail, { name: "typing", data: { room: slug, nicknames: typing } });
  }
}

type RoomPresence = Awaited<ReturnType<typeof readPresence>>[number];
