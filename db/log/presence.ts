import type { Knex } from "knex";
import type { WakeUps } from "./wake-ups.ts";

/** The channel on which a room's number is told when its figures or its typists may have changed. */
export const PRESENCE_CHANNEL = "chattera_presence";

/** The channel on which nodes pass on which streams clients confirmed. */
export const CONFIRMED_CHANNEL = "chattera_confirmed";

/** A NOTIFY carries less than 8000 bytes; nonces are ASCII, and a client's has 11 characters. */
export const CONFIRMATION_BYTES = 7_900;

/** What a room's `members` and `typing` signals are made of. */
export type Presence = { roomId: number; slug: string; members: number; visitors: number; typing: string[] };

/** How many are in a room and how many read it, and its last seq when they were counted. */
export type Headcount = { head: number; members: number; visitors: number };

/** A node's figures count for this long after its last word; it speaks every 10 s. */
export const NODE_FRESH_SECONDS = 20;

/** How long somebody counts as typing after saying so; a client says so every 3 s. */
const TYPING_SECONDS = 5;

/** Members, watchers and typists of rooms, over all nodes. */
export async function readPresence(db: Knex, roomIds: number[]): Promise<Presence[]> {
  const { rows } = await db.raw(
    `select id as "roomId", slug,
       (select count(*) from members where room_id = id) as members,
       (select coalesce(sum(visitors), 0) from watchers
        where room_id = id and seen_at > now() - make_interval(secs => ?)) as visitors,
       array(select nickname from members
        where room_id = id and typing_at > now() - make_interval(secs => ?) order by typing_at limit 5) as typing
     from rooms where id = any(?::int[])`,
    [NODE_FRESH_SECONDS, TYPING_SECONDS, roomIds],
  );
  return rows;
}

/** Counts the people of a room over all nodes; `undefined` when the room is gone. */
export async function countPeople(db: Knex, roomId: number): Promise<Headcount | undefined> {
  const { rows } = await db.raw<{ rows: Headcount[] }>(
    `select last_seq as head,
       (select count(*) from members where room_id = id) as members,
       (select coalesce(sum(visitors), 0) from watchers
        where room_id = id and seen_at > now() - make_interval(secs => ?)) as visitors
     from rooms where id = ?`,
    [NODE_FRESH_SECONDS, roomId],
  );
  return rows[0];
}

/** Writes how many visitors this node has in each of its rooms, forgets rooms it has none in, and nodes long silent. */
export async function writeWatchers(db: Knex, node: string, visitors: Map<number, number>): Promise<void> {
  await db.raw(
    `insert into watchers (node, room_id, visitors)
     select ?, r, v from unnest(?::int[], ?::int[]) as w (r, v) order by r
     on conflict (node, room_id) do update set visitors = excluded.visitors, seen_at = now()`,
    [node, [...visitors.keys()], [...visitors.values()]],
  );
  await db.raw(
    `delete from watchers where (node = ? and not room_id = any(?::int[])) or seen_at < now() - interval '1 hour'`,
    [node, [...visitors.keys()]],
  );
}

/**
 * Notes that these rooms are in use, to the hour: it keeps them from being removed. Skips rooms that are locked just now;
 * they are in use, and noted the next time.
 */
export async function noteUse(db: Knex, roomIds: number[]): Promise<void> {
  await db.raw(
    `update rooms set used_at = now() where id in (
       select id from rooms where id = any(?::int[]) and used_at < now() - interval '1 hour'
       order by id for no key update skip locked
     )`,
    [roomIds],
  );
}

/** Passes confirmed streams on to every node, by their nonces; together they have at most CONFIRMATION_BYTES. */
export async function tellConfirmed(wakeUps: WakeUps, nonces: string[]): Promise<void> {
  await wakeUps.tell(CONFIRMED_CHANNEL, nonces.join(" "));
}

/** Tells every node that these rooms' figures or typists changed. */
export async function tellPresence(wakeUps: WakeUps, roomIds: number[]): Promise<void> {
  // 500 numbers of at most 11 characters and a space are 6000 of the 8000 bytes a NOTIFY carries
  for (let start = 0; start < roomIds.length; start += 500)
    await wakeUps.tell(PRESENCE_CHANNEL, roomIds.slice(start, start + 500).join(" "));
}
