import type { Reader } from "../delivery/reader.ts";
import { namesOf, watcherOf } from "../delivery/watcher.ts";

/**
 * The people who watch a room by one node. One of them may have several connections at once: a
 * poll, and the stream that is to replace it. `names` are those that have one, `visitors`
 * is the number of all. `inside` are the names of the browsers and pages of members of the room.
 */
export type Watchers = { visitors: number; names: Set<string>; inside: Set<string> };

/**
 * Counts the watchers among the readers of a room. `isInside` returns whether a member is in the
 * room, `undefined` if that is not known yet: such a member will be counted later, as one or the
 * other. `lingering` are watchers between two connections, `entered` the names of members who have
 * just entered.
 */
export function countWatchers(
  readers: Iterable<Reader>,
  {
    isInside,
    lingering,
    entered,
  }: {
    isInside(memberId: string): boolean | undefined;
    lingering: Iterable<string>;
    entered: Iterable<string>;
  },
): Watchers {
  const inside = new Set(entered);
  const outside: Reader[] = [];
  for (const reader of readers) {
    const isMember = reader.memberId === undefined ? false : isInside(reader.memberId);
    if (isMember === false) outside.push(reader);
    else if (isMember) for (const name of namesOf(reader)) inside.add(name);
  }
  const names = new Set<string>();
  let nameless = 0;
  for (const name of lingering) if (!inside.has(name)) names.add(name);
  for (const reader of outside) {
    const name = watcherOf(reader);
    if (name === undefined) nameless += 1;
    else if (!namesOf(reader).some((one) => inside.has(one))) names.add(name);
  }
  return { visitors: names.size + nameless, names, inside };
}

type Lingerer = { until: number; network: string };

/** One network has no more watchers in a room without a connection: an office of 200 people. */
const LINGERERS_PER_NETWORK = 200;

/** Names and times of 20,000 watchers are 3 MB. */
const LINGERERS = 20_000;

/**
 * Watchers without a connection who are expected back: between two polls, or until their page
 * reloads itself.
 */
export class Lingerers {
  readonly #rooms = new Map<number, Map<string, Lingerer>>();
  #size = 0;

  /** Notes that a watcher counts until a moment. If there are too many, this one is left out. */
  note(roomId: number, name: string, lingerer: Lingerer): void {
    const room = this.#rooms.get(roomId) ?? new Map<string, Lingerer>();
    const known = room.get(name);
    if (known) {
      known.until = Math.max(known.until, lingerer.until);
      return;
    }
    if (this.#size >= LINGERERS || countOf(room, lingerer.network) >= LINGERERS_PER_NETWORK) return;
    room.set(name, lingerer);
    this.#rooms.set(roomId, room);
    this.#size += 1;
  }

  /** Returns the names of those in a room. Forgets the ones whose time is over. */
  in(roomId: number, now: number): string[] {
    const room = this.#rooms.get(roomId);
    if (room === undefined) return [];
    for (const [name, { until }] of room) {
      if (until > now) continue;
      room.delete(name);
      this.#size -= 1;
    }
    if (room.size === 0) this.#rooms.delete(roomId);
    return [...room.keys()];
  }

  /** Whether anyone is expected back. */
  get isEmpty(): boolean {
    return this.#size === 0;
  }
}

function countOf(room: Map<string, Lingerer>, network: string): number {
  if (room.size < LINGERERS_PER_NETWORK) return 0;
  let count = 0;
  for (const lingerer of room.values()) if (lingerer.network === network) count += 1;
  return count;
}
