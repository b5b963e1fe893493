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

/**
 * The number of members and of visitors of a room, and its last seq when they were counted. `pages`
 * are the hashes of visitors that have a name.
 */
export type Headcount = { head: number; members: number; visitors: number; pages: number[] };

/**
 * The visitors of a room at one node: their number, and the hashes of those with a name, if they
 * are not too many. `inside` are hashes of members who are in the room, and are no visitors.
 */
export type NodeWatchers = { visitors: number; pages: number[] | null; inside: number[] };

/** A node's figures count for this long after it wrote them, which it does every 10 s. */
export const NODE_FRESH_SECONDS = 20;

/** A member counts as typing for this long. Its client repeats the signal every 3 s. */
const TYPING_SECONDS = 5;

/** A member who has sent a message since counts as typing no more, if it is one of the last. */
const LAST_EVENTS = 50;

/**
 * Returns the number of members and visitors of rooms, over all nodes, and the nicknames of those
 * who are typing.
 */
export function readPresence(db: Knex, roomIds: number[]): Promise<RoomPresence[]> {
  return rowsOf<RoomPresence>(
    db,
    `select id as "roomId", slug,
       (select count(*) from members where room_id = id) as members,
       coalesce(visitors, 0) as visitors,
       array(
         select nickname from members m
         where room_id = id and typing_at between now() - make_interval(secs => ?) and now() and not exists (
           select from events e
           where e.room_id = id and e.seq > last_seq - ? and e.member_id = m.member_id and e.kind = 'message'
             and e.at >= date_trunc('milliseconds', typing_at)
         )
         order by typing_at limit 5
       ) as typing
     from rooms left join count_watchers(?::int[], ?) on room_id = id where id = any(?::int[])`,
    [TYPING_SECONDS, LAST_EVENTS, roomIds, NODE_FRESH_SECONDS, roomIds],
  );
}

/** Counts the people in a room over all nodes. Returns `undefined` if the room is gone. */
export async function countPeople(db: Knex, roomId: number): Promise<Headcount | undefined> {
  const [headcount] = await rowsOf<Headcount>(
    db,
    `select last_seq as head,
       (select count(*) from members where room_id = id) as members,
       coalesce((select visitors from count_watchers(array[id], :fresh)), 0) as visitors,
       array(
         select distinct page from watchers, unnest(pages) page
         where room_id = id and seen_at > now() - make_interval(secs => :fresh) and seen_at < now() + interval '1 minute'
       ) as pages
     from rooms where id = :roomId`,
    { roomId, fresh: NODE_FRESH_SECONDS },
  );
  return headcount;
}

/**
 * Writes the visitors of this node per room. Deletes rooms without any, and nodes silent for an
 * hour. Locks rows in the order of the key, as other nodes do.
 */
export async function writeWatchers(db: Knex, node: string, watchers: Map<number, NodeWatchers>): Promise<void> {
  const rooms = [...watchers].map(([room_id, counted]) => ({ room_id, ...counted }));
  await execute(
    db,
    `insert into watchers (node, room_id, visitors, pages, inside)
     select ?, w.room_id, w.visitors, w.pages, w.inside
     from json_to_recordset(?) as w (room_id int, visitors int, pages int[], inside int[]) order by w.room_id
     on conflict (node, room_id) do update
     set visitors = excluded.visitors, pages = excluded.pages, inside = excluded.inside, seen_at = now()`,
    [node, JSON.stringify(rooms)],
  );
  await execute(
    db,
    `with old as (
       select node, room_id from watchers
       where (node = ? and not room_id = any(?::int[])) or abs(extract(epoch from now() - seen_at)) > 3600
       order by node, room_id for update
     )
     delete from watchers w using old where w.node = old.node and w.room_id = old.room_id`,
    [node, [...watchers.keys()]],
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
