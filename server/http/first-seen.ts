import type { Context } from "koa";
import type { RoomEvent, SkippedRun } from "../../protocol/event.ts";
import type { Tail } from "../delivery/tail.ts";
import type { Site } from "../site.ts";
import { actorOf } from "./actor.ts";

/** Returns the first seq of a room that the person behind a request may see. */
export function firstSeenBy(ctx: Context, site: Site, tail: Tail): Promise<number> {
  return site.access.firstSeen(actorOf(ctx, site), tail);
}

/**
 * Returns the first seqs from which a person may go on reading these rooms; `undefined` if that is
 * the first one everywhere.
 */
export async function firstsOf(ctx: Context, site: Site, tails: Tail[]): Promise<number[] | undefined> {
  if (tails.every(({ room }) => room.rules.historyForNewcomers === null)) return undefined;
  const actor = actorOf(ctx, site);
  return Promise.all(tails.map((tail) => site.access.firstSeen(actor, tail, { isGoingOn: true })));
}

/** Returns a part of a log without the events before a seq. */
export function cutBefore<Part extends { events: RoomEvent[]; skipped: SkippedRun[] }>(
  part: Part,
  first: number,
): Part {
  if (first === 1) return part;
  return {
    ...part,
    events: part.events.filter(({ seq }) => seq >= first),
    skipped: part.skipped.filter((run) => run.first >= first),
  };
}
