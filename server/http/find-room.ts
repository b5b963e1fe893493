import type { Context } from "koa";
import type { Tail } from "../delivery/tail.ts";
import { refuse } from "../refusal.ts";
import { readSlug } from "../rooms/slug.ts";
import type { Site } from "../site.ts";

/** Returns the rooms of these names, each once, in memory from then on. Throws `no_such_room`. */
export async function findRooms(site: Site, names: string[]): Promise<Tail[]> {
  const slugs = names.map(readSlug);
  const tails = slugs.includes(undefined) ? undefined : await site.hub.rooms.open(slugs as string[]);
  if (tails === undefined) throw refuse("no_such_room");
  // Two spellings of one name would deliver each event twice.
  return [...new Set(tails)];
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
 * engines. Throws `no_such_room`.
 */
export async function roomOf(ctx: Context, site: Site): Promise<Tail> {
  const tail = (await findRooms(site, [roomName(ctx)]))[0] as Tail;
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
