import type { Knex } from "knex";
import { LRUCache } from "lru-cache";
import { listMembers } from "../../db/log/members.ts";
import { countPeople } from "../../db/log/presence.ts";
import { readMoves } from "../../db/log/read.ts";
import type { Member, RoomEvent } from "../../protocol/event.ts";
import { PEOPLE_SHOWN } from "../../protocol/limits.ts";

/**
 * The people in a room: the first to enter, at most PEOPLE_SHOWN, and the numbers of members and
 * visitors.
 */
export type People = { members: Member[]; memberCount: number; visitors: number };

/** Returns the people in a room now, and the hashes of the visitors that have a name. */
export type ReadPeople = (roomId: number) => Promise<{ people: People; watching: ReadonlySet<number> }>;

type Counted = { people: People; watching: ReadonlySet<number>; head: number };

/** A room is counted and its people are listed no more often than this. */
const COUNTED_MS = 1_000;

/** Lists of 200 people are 30 kB, so this is 15 MB. */
const ROOMS_KEPT = 500;

/** With more people coming and going within a second, the list is read again. */
const MOVES = 200;

/**
 * Counts a room's people at most once a second. Later moves are read from the log, which are a few
 * rows by the key, so the answer never lacks a member who entered before the cursor that is
 * returned with it.
 */
export function createPeople(db: Knex): ReadPeople {
  const counted = new LRUCache<number, Counted>({ max: ROOMS_KEPT, ttl: COUNTED_MS, fetchMethod: count });

  return async (roomId) => {
    const { people, watching, head } = (await counted.fetch(roomId)) as Counted;
    const moves = await readMoves(db, { roomId, after: head, limit: MOVES });
    return moves.length < MOVES ? { people: moves.reduce(after, people), watching } : count(roomId);
  };

  async function count(roomId: number): Promise<Counted> {
    const headcount = await countPeople(db, roomId);
    const { members } = await listMembers(db, roomId, { limit: PEOPLE_SHOWN });
    const { members: memberCount = 0, visitors = 0, head = 0, pages = [] } = headcount ?? {};
    return { people: { members, memberCount, visitors }, watching: new Set(pages), head };
  }
}

/**
 * Applies a move. The list may have been read after the count, so it may contain the move already.
 */
function after(people: People, { kind, member }: RoomEvent): People {
  if (kind === "rename")
    return { ...people, members: people.members.map((one) => (one.id === member.id ? member : one)) };
  const members = people.members.filter(({ id }) => id !== member.id);
  if (kind === "leave") return { ...people, members, memberCount: people.memberCount - 1 };
  if (kind !== "enter") return people;
  const isWhole = people.memberCount < PEOPLE_SHOWN;
  return { ...people, members: isWhole ? [...members, member] : members, memberCount: people.memberCount + 1 };
}
