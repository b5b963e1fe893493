import type { EventEmitter } from "node:events";
import { followedRooms } from "../../db/log/follow.ts";
import { readSince } from "../../db/log/read.ts";
import { formatCursorIn, sumOf } from "../../protocol/cursor.ts";
import type { EventKind } from "../../protocol/event.ts";
import { PAGE_EVENTS } from "../../protocol/limits.ts";
import type { Follower } from "../delivery/followers.ts";
import type { Logger } from "../log.ts";
import { type FollowedSite, patiently } from "./read-events.ts";

/** The kinds of events that an app emits. */
export const KINDS: readonly EventKind[] = ["message", "enter", "leave", "edit", "erase", "rename", "unname", "notice"];

type EmittingSite = FollowedSite & { logger: Logger };

/**
 * Emits the events of all rooms by their kind, from the first listener on. All come by reading the
 * log, in order in each room, whichever node stored them. The function that it returns resolves
 * when an event that is stored from then on will be emitted.
 */
export function emitEvents(emitter: EventEmitter, site: EmittingSite): () => Promise<void> {
  let ready: Promise<void> = Promise.resolve();
  emitter.on("newListener", begin);
  return () => ready;

  function begin(kind: string | symbol): void {
    if (!KINDS.includes(kind as EventKind)) return;
    emitter.off("newListener", begin);
    const follower = site.followers.follow();
    const start = startOf(follower, site);
    ready = start.then(() => undefined);
    void start
      .then((positions) => follow(emitter, site, { follower, positions }))
      .catch((error) => site.logger.error({ err: error }, "events are no longer emitted"));
  }
}

/** The seq of the last event of each room that was emitted, or was there before. */
type Positions = { epoch: string; seqs: Map<number, number> };

async function startOf(follower: Follower, { db, log }: EmittingSite): Promise<Positions> {
  const { epoch } = log;
  const rooms = await patiently(follower, () => followedRooms(db));
  return { epoch, seqs: new Map(rooms.map(({ id, head }) => [id, head])) };
}

type Following = { follower: Follower; positions: Positions };

async function follow(emitter: EventEmitter, site: EmittingSite, { follower, positions }: Following): Promise<void> {
  while (!follower.isStopped) {
    const due = await follower.next();
    // Another log was put in its place.
    if (site.log.epoch !== positions.epoch) Object.assign(positions, await startOf(follower, site));
    while (await emitNext(emitter, site, { follower, seqs: positions.seqs, due }));
  }
}

type Step = { follower: Follower; seqs: Map<number, number>; due: number[] | undefined };

/** Emits a page of each room that has grown. Returns whether there may be more. */
async function emitNext(
  emitter: EventEmitter,
  { db, log, logger }: EmittingSite,
  { follower, seqs, due }: Step,
): Promise<boolean> {
  const rooms = await patiently(follower, () => followedRooms(db, due));
  const after = new Map<number, number>();
  for (const { id, head } of rooms) if (head > (seqs.get(id) ?? 0)) after.set(id, seqs.get(id) ?? 0);
  if (after.size === 0) return false;
  const stored = await patiently(follower, () => readSince(db, after, PAGE_EVENTS));
  for (const { roomId, event } of stored) {
    seqs.set(roomId, event.seq);
    const cursor = formatCursorIn(log.epoch, { room: roomId, seq: event.seq, sum: sumOf(event) });
    try {
      emitter.emit(event.kind, { ...event, cursor });
    } catch (error) {
      logger.error({ err: error }, "a listener of the host threw");
    }
  }
  return stored.length > 0;
}
