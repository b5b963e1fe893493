import type { Context } from "koa";
import { readEvent } from "../../db/log/around.ts";
import type { RoomMessage, RoomNotice } from "../../protocol/event.ts";
import type { Tail } from "../delivery/tail.ts";
import { Refusal, refuse } from "../refusal.ts";
import type { Site } from "../site.ts";
import { firstSeenBy } from "./first-seen.ts";

/** Returns the message or notice under a seq, unless it was erased or pruned, or is hidden. */
export async function readMessageAt(
  ctx: Context,
  site: Site,
  { tail, seq }: { tail: Tail; seq: number },
): Promise<RoomMessage | RoomNotice | undefined> {
  const event = await readEvent(site.db, tail.id, seq);
  if (event === undefined || event.text === undefined) return undefined;
  if (event.kind !== "message" && event.kind !== "notice") return undefined;
  const first = Math.max((await site.hub.rooms.bounds(tail)).oldest, await firstSeenBy(ctx, site, tail));
  return seq >= first ? event : undefined;
}

/** Returns the refusal of a message, whose page leads to the room. */
export function noSuchMessage(tail: Tail): Refusal {
  return leadingTo(tail, refuse("no_such_message"));
}

/** Lets the page of a refusal lead to a room. Returns the refusal. */
export function leadingTo({ slug, title }: Tail, refusal: Refusal): Refusal {
  refusal.room = { slug, title };
  return refusal;
}

/** Does something in a room. The page of a refusal leads back to the room. */
export async function leadBack(tail: Tail, work: () => Promise<void>): Promise<void> {
  await work().catch((error) => {
    throw error instanceof Refusal ? leadingTo(tail, error) : error;
  });
}
