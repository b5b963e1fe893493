import type { Knex } from "knex";

/** A room as the log knows it; `head` is the seq of its last event (0: none). */
export type Room = { id: number; slug: string; title: string; head: number };

/** A line of the list of rooms; `lastAt` is RFC 3339 UTC. */
export type RoomSummary = { slug: string; title: string; members: number; visitors: number; lastAt: string | null };

/** The rooms of these slugs that exist, in the order asked for. */
export async function findRooms(db: Knex, slugs: string[]): Promise<Room[]> {
  const { rows } = await db.raw(
    `select id, slug, title, last_seq as head
     from rooms where slug = any(?::text[]) order by array_position(?::text[], slug)`,
    [slugs, slugs],
  );
  return rows;
}

/** Last seq of a room and the first still kept (1: none yet); `undefined` when the room is gone. */
export async function readBounds(db: Knex, roomId: number): Promise<{ head: number; oldest: number } | undefined> {
  const { rows } = await db.raw(
    `select last_seq as head,
       coalesce(
         (select min(seq) from events where room_id = rooms.id and seq > rooms.pruned_seq), last_seq + 1
       ) as oldest
     from rooms where id = ?`,
    [roomId],
  );
  return rows[0];
}

/** Creates a room; `false` when the slug is taken. */
export async function createRoom(db: Knex, room: { slug: string; title: string; public: boolean }): Promise<boolean> {
  const inserted = await db("rooms").insert(room).onConflict("slug").ignore().returning("id");
  return inserted.length === 1;
}

/**
 * The public rooms, the liveliest first. Rooms stay for ever, so people are counted for those only that may be among
 * the 200: where somebody is, and those in which something was said last.
 */
export async function listRooms(db: Knex, freshSeconds: number): Promise<RoomSummary[]> {
  const { rows } = await db.raw(
    `with candidate as (
       select id from rooms where public and id in (select room_id from members)
       union
       (select id from rooms where public order by last_at desc nulls last, id limit 200)
     )
     select slug, title, last_at,
       (select count(*) from members where room_id = id) as members,
       (select coalesce(sum(visitors), 0) from watchers
        where room_id = id and seen_at > now() - make_interval(secs => ?)) as visitors
     from rooms join candidate using (id) order by members desc, last_at desc nulls last, id limit 200`,
    [freshSeconds],
  );
  return rows.map((row: { slug: string; title: string; last_at: Date | null; members: number; visitors: number }) => ({
    slug: row.slug,
    title: row.title,
    members: row.members,
    visitors: row.visitors,
    lastAt: row.last_at?.toISOString() ?? null,
  }));
}
