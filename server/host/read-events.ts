import { setTimeout as pause } from "node:timers/promises";
import type { Knex } from "knex";
import { followedRooms } from "../../db/log/follow.ts";
import type { LogIdentity } from "../../db/log/log.ts";
import { readPage } from "../../db/log/read.ts";
import { isDatabaseAway } from "../../db/pool/connect.ts";
import { formatCursorIn, sumOf } from "../../protocol/cursor.ts";
import type { ResetReason, RoomEvent } from "../../protocol/event.ts";
import { PAGE_EVENTS } from "../../protocol/limits.ts";
import type { Follower, Followers } from "../delivery/followers.ts";
import type { Hub } from "../delivery/hub.ts";
import { startOf } from "../delivery/positions.ts";
import { PAGE_BYTES } from "../delivery/rooms.ts";
import type { Tail } from "../delivery/tail.ts";
import { refuse } from "../refusal.ts";

/** An event, and the cursor after it, at which another reader can begin. */
export type FollowedEvent = RoomEvent & { cursor: string };

/** Where a reader begins, and what ends it. */
export type FollowOptions = {
  /** A cursor, or the seq of the last event that was read: 0 for the whole log. Default: now. */
  after?: string | number | undefined;
  /** Ends the loop when it is aborted. */
  signal?: AbortSignal | undefined;
};

/**
 * The log cannot be continued where a reader wants to begin: the cursor is of another log, or older
 * than what is kept. Continue at `cursor`, and expect that events are missing.
 */
export class LogReset extends Error {
  readonly code = "reset";
  readonly reason: ResetReason;
  readonly cursor: string;

  constructor(reason: ResetReason, cursor: string) {
    super(`The log cannot be continued from there (${reason}). Continue at the cursor of this error.`);
    this.reason = reason;
    this.cursor = cursor;
  }
}

/** The parts of a node that reading needs. */
export type FollowedSite = { db: Knex; log: LogIdentity; hub: Hub; followers: Followers };

/** Events that were read this long ago are read again before the host gets them. */
const FRESH_MS = 500;

/** While the database is away, the log is asked again after this time. */
const AGAIN_MS = 1_000;

/**
 * Reads the events of a room in order, and then waits for more. Each wake-up is followed by a read
 * of the log, so no event is missed or read twice. While the database is away, it waits. Throws a
 * LogReset if the log cannot be continued, and `no_such_room` once the room is removed.
 */
export async function* readEvents(
  site: FollowedSite,
  tail: Tail,
  { after, signal }: FollowOptions,
): AsyncGenerator<FollowedEvent, void, undefined> {
  const follower = site.followers.follow();
  const onAbort = () => follower.stop();
  signal?.addEventListener("abort", onAbort);
  if (signal?.aborted) follower.stop();
  try {
    const { epoch } = site.log;
    let seq = await startAt(site, tail, after);
    while (!follower.isStopped) {
      const rooms = await follower.next();
      if (rooms?.includes(tail.id) === false) continue;
      for (;;) {
        const page = await patiently(follower, () => pageAfter(site, tail, { seq, epoch }));
        const readAt = performance.now();
        for (const event of page) {
          if (follower.isStopped) return;
          // The host took its time with the one before, and this one may have been erased since.
          if (performance.now() - readAt > FRESH_MS) break;
          seq = event.seq;
          yield { ...event, cursor: formatCursorIn(epoch, { room: tail.id, seq, sum: sumOf(event) }) };
        }
        if (page.length === 0) break;
      }
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    follower.stop();
  }
}

async function startAt({ hub }: FollowedSite, tail: Tail, after: string | number | undefined): Promise<number> {
  if (typeof after === "number") {
    if (!Number.isSafeInteger(after) || after < 0) throw new TypeError("after: a cursor, or a seq");
    return after;
  }
  const { seqs, resets } = await startOf(hub.rooms, [tail], { cursors: after === undefined ? [] : [after] });
  const [reset] = resets;
  if (reset) throw new LogReset(reset.reason, reset.cursor);
  return seqs[0] as number;
}

/** A log has no gaps, so an event that does not follow shows that those between are deleted. */
async function pageAfter(
  { db, log, hub }: FollowedSite,
  tail: Tail,
  { seq, epoch }: { seq: number; epoch: string },
): Promise<RoomEvent[]> {
  const page = await readPage(db, { roomId: tail.id, after: seq, limit: PAGE_EVENTS, bytes: PAGE_BYTES });
  const first = page[0];
  if (log.epoch === epoch && first?.seq === seq + 1) return page;
  if ((await followedRooms(db, [tail.id])).length === 0) throw refuse("no_such_room");
  if (log.epoch === epoch && first === undefined) return page;
  const { head, oldest, sum } = await hub.rooms.bounds(tail);
  if (log.epoch !== epoch) throw new LogReset("epoch", formatCursorIn(log.epoch, { room: tail.id, seq: head, sum }));
  const before = { room: tail.id, seq: oldest - 1, sum: undefined };
  throw new LogReset("pruned", formatCursorIn(epoch, before));
}

/** Repeats a read while the database is away. Returns nothing once the follower is stopped. */
export async function patiently<Row>(follower: Follower, read: () => Promise<Row[]>): Promise<Row[]> {
  while (!follower.isStopped) {
    try {
      return await read();
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
      await pause(AGAIN_MS, undefined, { ref: false });
    }
  }
  return [];
}
