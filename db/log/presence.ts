import type { Knex } from "knex";
import { execute, rowsOf } from "../pool/statement.ts";
import type { WakeUps } from "./wake-ups.ts";

/** The channel that carries the numbers of rooms whose figures or typists may have changed. */
export const PRESENCE_CHANNEL = "chattera_presence";

/** The channel on which nodes pass on the nonces of streams that clients confirmed. */
export const CONFIRMED_CHANNEL = "chattera_confirmed";

/** A NOTIFY carries less than 8000 bytes. Nonces are ASCII, 11 characters each. */
export const CONFIRMATION_BYTES = 7_900;

/** The content of a room's `members` and `typing` signals. */
export type RoomPresence = { roomId: number; slug: string; members: number; visitors: number; typing: string[] };

/** The number of members and of visitors of a room, and its last seq when they were counted. */
export type Headcount = { head: number; members: number; visitors: number };

/** A node's figures count for this long after it wrote them, which it does every 10 s. */
export const NODE_FRESH_SECONDS = 20;

/** A member counts as typing for this long. Its client repeats the signal every 3 s. */
const TYPING_SECONDS = 5;

/**
 * Returns the number of members and visitors of rooms, over all nodes, and the nicknames of those
 * who are typing.
 */
export function readPresence(db: Knex, roomIds: number[]): Promise<RoomPresence[]> {
  return rowsOf<RoomPresence>(
    db,
    `select id as "roomId", slug,
       (select count(*) from members where room_id = id) as members,
       (select coalesce(sum(visitors), 0) from watchers
        where room_id = id and seen_at > now() - make_interval(secs => ?)) as visitors,
       array(select nickname from members
        where room_id = id and typing_at > now() - make_interval(secs => ?) order by typing_at limit 5) as typing
     from rooms where id = any(?::int[])`,
    [NODE_FRESH_SECONDS, TYPING_SECONDS, roomIds],
  );
}

/** Counts the people in a room over all nodes. Returns `undefined` if the room is gone. */
export async function countPeople(db: Knex, roomId: number): Promise<Headcount | undefined> {
  const [headcount] = await rowsOf<Headcount>(
    db,
    `select last_seq as head,
       (select count(*) from members where room_id = id) as members,
       (select coalesce(sum(visitors), 0) from watchers
        where room_id = id and seen_at > now() - make_interval(secs => ?)) as visitors
     from rooms where id = ?`,
    [NODE_FRESH_SECONDS, roomId],
  );
  return headcount;
}

/**
 * Writes the number of visitors of this node per room. Deletes rooms without any, and nodes silent
 * for an hour.
 */
export async function writeWatchers(db: Knex, node: string, visitors: Map<number, number>): Promise<void> {
  await execute(
    db,
    `insert into watchers (node, room_id, visitors)
     select ?, r, v from unnest(?::int[], ?::int[]) as w (r, v) order by r
     on conflict (node, room_id) do update set visitors = excluded.visitors, seen_at = now()`,
    [node, [...visitors.keys()], [...visitors.values()]],
  );
  await execute(
    db,
    `delete from watchers where (node = ? and not room_id = any(?::int[])) or seen_at < now() - interval '1 hour'`,
    [node, [...visitors.keys()]],
  );
}

/**
 * Records, to the hour, that these rooms are in use, so that they are not removed. Skips rooms that
 * are locked at the moment: they are in use, and the next call records them.
 */
export async function noteUse(db: Knex, roomIds: number[]): Promise<void> {
  await execute(
    db,
    `update rooms set used_at = now() where id in (
       select id from rooms where id = any(?::int[]) and used_at < now() - interval '1 hour'
       order by id for no key update skip locked
     )`,
    [roomIds],
  );
}

/** Publishes the nonces of confirmed streams to every node, at most CONFIRMATION_BYTES together. */
export async function publishConfirmed(wakeUps: WakeUps, nonces: string[]): Promise<void> {
  await wakeUps.publish(CONFIRMED_CHANNEL, nonces.join(" "));
}

/** Notifies every node that the figures or typists of these rooms changed. */
export async function publishPresence(wakeUps: WakeUps, roomIds: number[]): Promise<void> {
  // 500 numbers of up to 11 characters and a space are 6000 of the 8000 bytes of a NOTIFY.
  for (let start = 0; start < roomIds.length; start += 500)
    await wakeUps.publish(PRESENCE_CHANNEL, roomIds.slice(start, start + 500).join(" "));
}
