import type { KeptRoom } from "../../db/log/rooms.ts";
import { roomNameFor } from "../../protocol/room-name.ts";
import { roomSkeletonOf } from "./skeleton.ts";
import { readSlug, readTitle } from "./slug.ts";

/**
 * Reads the rooms that the site always has, `name=title` each. A title alone names its room. Throws
 * an Error with one sentence for one that cannot be read.
 */
export function readKeptRooms(entries: string[]): KeptRoom[] {
  const rooms = entries.map(readKeptRoom);
  const twice = rooms.find(({ slug }, n) => rooms.findIndex((other) => other.slug === slug) < n);
  if (twice) throw new Error(`${JSON.stringify(twice.slug)} names two rooms`);
  return rooms;
}

function readKeptRoom(entry: string): KeptRoom {
  if (/^\d+$/.test(entry)) throw new Error(`${entry} is no room; CHATTERA_ROOMS_MAX limits their number`);
  const at = entry.indexOf("=");
  const typed = entry.slice(at + 1).trim();
  const slug = readSlug(at < 0 ? roomNameFor(entry) : entry.slice(0, at).trim());
  if (slug === undefined || typed === "")
    throw new Error(`${JSON.stringify(entry)} is not a room's name and title, like tea=Tea room`);
  const title = readTitle(typed, slug);
  return { slug, title, skeleton: roomSkeletonOf(slug), titleSkeleton: roomSkeletonOf(title) };
}
