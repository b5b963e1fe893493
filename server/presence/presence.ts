import type { Knex } from "knex";
import { type Membership, touchMembers } from "../../db/log/members.ts";
import { noteUse, publishPresence, readPresence, writeWatchers } from "../../db/log/presence.ts";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import type { Config } from "../config.ts";
import type { Hub } from "../delivery/hub.ts";
import type { Reader } from "../delivery/reader.ts";
import type { Tail } from "../delivery/tail.ts";
import type { Logger } from "../log.ts";
import { createSeenMembers, keyOf } from "./seen.ts";
import { createSweep } from "./sweep.ts";

/** Who is here, told from the connections of this node to the table, and from the table to this node's readers. */
export type Presence = {
  /** A member in a room just sent something, and will not send anything for `forMs`, after which its grace begins. */
  saw(place: Membership, forMs?: number): void;
  /** A member has just entered or spoken, so it is in the room, and its row says that it was seen. */
  isHere(place: Membership): void;
  /** Was the member in the room a few seconds ago, as far as this node knows? */
  knows(place: Membership): boolean;
  /** A reader of a room came or went. */
  onReader(tail: Tail, reader: Reader): void;
  /** A room's figures or typists changed, here or on another node. */
  onPresence(roomIds: number[]): void;
  stop(): Promise<void>;
};

/**
 * Connected members, and members that spoke or disconnected since, are written as seen this often, or three times within
 * the grace if that is shorter. A member that the last round did not see is written soon. All others can wait: 1,000
 * members with a message each second are 100 rows a second, not 1,000.
 */
const BEAT_MS = 10_000;

/** The number of visitors is published no more often: a crowd of thousands takes 20 s to come back. */
const VISITORS_MS = 2_000;

/** A change of presence may wait this long, so that a crowd that enters at once costs one read. */
const SOON_MS = 500;

/** Rooms are counted, and their readers get the figures, no more often than this. */
const LOOK_MS = 1_000;

/**
 * A reader counts in the figures for this many times as long as its member is seen, 60 s: a watcher whose client does
 * not confirm its stream may well be there, but nothing says so.
 */
const COUNTED = 4 / 3;

type Surroundings = {
  db: Knex;
  wakeUps: WakeUps;
  node: string;
  config: Pick<Config, "graceSeconds" | "seenMs">;
  logger: Logger;
  hub: Hub;
};

/**
 * Presence lives in the database: a member is present while some node saw it within the grace, so coming back within
 * it says nothing, and the members of a node that died leave by themselves. After a start, or when the database comes
 * back, nobody is swept for one grace: everyone has the time to be seen again.
 *
 * A connection alone is no sign of life: its other end may have vanished without a word, and TCP finds out after a
 * quarter of an hour. A member is seen for `seenMs` after its client last sent something, and no longer.
 */
export function createPresence({ db, wakeUps, node, config, logger, hub }: Surroundings): Presence {
  const { graceSeconds } = config;
  const beatMs = Math.min(BEAT_MS, (graceSeconds * 1000) / 3);
  const seen = createSeenMembers();
  let present = new Set<string>();
  /** The set that the current round fills. Until it is complete, `present` keeps the last round's members. */
  let noted = present;
  const changed = new Set<number>();
  let figures = new Map<number, number>();
  let beatenAt = performance.now();
  let soundSince = performance.now();
  let toldAt = Number.NEGATIVE_INFINITY;
  let areReadersNew = false;
  let isStopped = false;
  let underWay: Promise<void> | undefined;
  let soon: NodeJS.Timeout | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  const sweep = createSweep({ db, wakeUps, graceSeconds, logger });
  const timer = setInterval(run, beatMs);
  timer.unref();

  return { saw, isHere, knows: (place) => present.has(keyOf(place)), onReader, onPresence, stop };

  function saw(place: Membership, forMs = 0): void {
    seen.note(place, performance.now() + forMs);
    if (!present.has(keyOf(place))) runSoon();
  }

  function isHere(place: Membership): void {
    seen.note(place, performance.now());
    const key = keyOf(place);
    present.add(key);
    if (noted !== present) noted.add(key);
  }

  function seeReader(tail: Tail, { memberId, seenAt }: Reader): void {
    const at = Math.min(performance.now(), seenAt + config.seenMs);
    if (memberId !== undefined) seen.note({ roomId: tail.id, memberId }, at);
  }

  function onReader(tail: Tail, reader: Reader): void {
    seeReader(tail, reader);
    areReadersNew = true;
    // where the figures are known they change when they are told
    if (tail.members === undefined) changed.add(tail.id);
    runSoon();
  }

  function onPresence(roomIds: number[]): void {
    for (const roomId of roomIds) changed.add(roomId);
    runSoon();
  }

  function runSoon(): void {
    if (isStopped) return;
    soon ??= setTimeout(run, SOON_MS);
    soon.unref();
  }

  function run(): void {
    clearTimeout(soon);
    soon = undefined;
    if (underWay !== undefined) {
      runSoon();
      return;
    }
    underWay = attend()
      .then(look)
      .catch((error) => {
        soundSince = performance.now();
        logger.warn({ err: error }, "presence could not be published; retrying");
      })
      .finally(() => {
        underWay = undefined;
      });
  }

  /** Tells the table who is seen here: everybody on the beat, in between only the new. */
  async function attend(): Promise<void> {
    const now = performance.now();
    const isBeat = now - beatenAt >= beatMs * 0.9;
    if (isBeat) {
      noted = new Set();
      for (const reader of hub.readers) for (const tail of reader.tails) seeReader(tail, reader);
      // a node that died tells nobody, and a deaf bus misses what is told
      for (const tail of hub.tails()) if (tail.readers.size > 0) changed.add(tail.id);
    }
    await touch();
    if (isBeat || (areReadersNew && now - toldAt >= VISITORS_MS)) await tellVisitors(isBeat);
    else if (areReadersNew) runSoon();
    if (!isBeat) return;
    beatenAt = now;
    if (now - soundSince >= graceSeconds * 1000) sweep.begin();
  }

  /** Writes members that are not in `noted` yet; all others wait for the next round. */
  async function touch(): Promise<void> {
    const due = seen.takeExcept(noted);
    const now = performance.now();
    const places = due.map(({ at, ...place }) => ({ ...place, agoMs: now - at }));
    const touched = await touchMembers(db, places).catch((error) => {
      // Keep them for the next round: a silent member is not seen a second time.
      for (const one of due) seen.note(one, one.at);
      throw error;
    });
    for (const place of touched) noted.add(keyOf(place));
    present = noted;
  }

  async function tellVisitors(isBeat: boolean): Promise<void> {
    areReadersNew = false;
    toldAt = performance.now();
    const before = figures;
    figures = new Map(
      hub
        .tails()
        .map((tail) => [tail.id, countVisitors(tail, present, toldAt - COUNTED * config.seenMs)] as const)
        .filter(([, n]) => n > 0),
    );
    const rooms = new Set([...before.keys(), ...figures.keys()]);
    const moved = [...rooms].filter((roomId) => before.get(roomId) !== figures.get(roomId));
    if (moved.length === 0 && !(isBeat && figures.size > 0)) return;
    await writeWatchers(db, node, figures);
    await noteUse(db, [...figures.keys()]);
    if (moved.length > 0) await publishPresence(wakeUps, moved);
  }

  /** Reads what changed and tells this node's readers. */
  async function look(): Promise<void> {
    if (changed.size === 0) return;
    if (performance.now() - lookedAt < LOOK_MS) return runSoon();
    const tails = new Map(hub.tails().map((tail) => [tail.id, tail]));
    const asked = [...changed].filter((roomId) => tails.has(roomId));
    changed.clear();
    if (asked.length === 0) return;
    lookedAt = performance.now();
    const known = await readPresence(db, asked);
    const removed = new Set(asked);
    for (const { roomId } of known) removed.delete(roomId);
    for (const roomId of removed) hub.close(tails.get(roomId) as Tail);
    for (const { roomId, slug, members, visitors, typing } of known) {
      const tail = tails.get(roomId) as Tail;
      if (tail.members?.members !== members || tail.members.visitors !== visitors) {
        tail.members = { room: slug, members, visitors };
        hub.signal(tail, { name: "members", data: tail.members });
      }
      if (typing.length > 0) hub.signal(tail, { name: "typing", data: { room: slug, nicknames: typing } });
    }
  }

  async function stop(): Promise<void> {
    isStopped = true;
    clearInterval(timer);
    clearTimeout(soon);
    await underWay;
    await sweep.stop();
    noted = new Set();
    await touch().catch(() => undefined);
    // what this node counted is gone with it; the members have their grace
    await writeWatchers(db, node, new Map()).catch(() => undefined);
  }
}

/** Returns how many readers of a room were seen since then and are not present in it as members. */
function countVisitors(tail: Tail, present: Set<string>, since: number): number {
  let visitors = 0;
  for (const { memberId, seenAt } of tail.readers) {
    if (seenAt < since) continue;
    if (memberId === undefined || !present.has(keyOf({ roomId: tail.id, memberId }))) visitors += 1;
  }
  return visitors;
}
