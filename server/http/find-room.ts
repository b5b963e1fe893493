import type { Context } from "koa";
import type { Member } from "../../protocol/event.ts";
import { type Tail, versionOf } from "../delivery/tail.ts";
import { refuse } from "../refusal.ts";
import type { Act } from "../rooms/access.ts";
import { readSlug } from "../rooms/slug.ts";
import type { Site } from "../site.ts";
import { actorOf } from "./actor.ts";

/** The rooms to find, and what the person wants to do there. `member` is a session's new member. */
export type RoomSearch = { names: string[]; act: Act; member?: Member };

/**
 * Returns the rooms of these names, each once, in memory from then on. Throws `no_such_room`, and
 * the refusal if the person behind the request may not do that in one of them.
 */
export async function findRooms(ctx: Context, site: Site, { names, act, member }: RoomSearch): Promise<Tail[]> {
  const slugs = names.map(readSlug);
  const tails = slugs.includes(undefined) ? undefined : await site.hub.rooms.open(slugs as string[]);
  if (tails === undefined) throw refuse("no_such_room");
  // Two spellings of one name would deliver each event twice.
  const found = [...new Set(tails)];
  const actor = actorOf(ctx, site, member);
  // The answer for the first room may have changed while the last one was asked.
  for (let versions = 0; versions !== versionOf(found); ) {
    versions = versionOf(found);
    for (const tail of found) await site.access.assert(actor, act, tail);
  }
  return found;
}

/**
 * Returns `rooms`, the canonical names of the rooms that the request spelled otherwise, if there
 * are any.
 */
export function respelled(names: string[]): { rooms?: { [asked: string]: string } } {
  const others = names.flatMap((name) => (readSlug(name) === name ? [] : [[name, readSlug(name)]]));
  return others.length === 0 ? {} : { rooms: Object.fromEntries(others) };
}

/**
 * Returns the room that the path names. Pages of a room by link only are kept out of search
 * engines. Throws `no_such_room`, and the refusal if the person may not do that there.
 */
export async function roomOf(ctx: Context, site: Site, act: Act): Promise<Tail> {
  const [tail] = (await findRooms(ctx, site, { names: [roomName(ctx)], act })) as [Tail];
  if (!tail.isPublic && ctx.state.guards?.page === true) hideFromSearch(ctx);
  return tail;
}

/** Keeps a page out of search engines, by a header here and by a tag in the page's head. */
export function hideFromSearch(ctx: Context): void {
  ctx.state.isHiddenFromSearch = true;
  ctx.set("X-Robots-Tag", "noindex");
}

/** Returns the name of a room as it is in the path. */
export function roomName(ctx: Context): string {
  const { room } = ctx.params as { room?: string };
  return room ?? "";
}
