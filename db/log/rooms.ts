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

/**
 * A room to be made, with what its slug and its title look like (server/rooms/skeleton.ts). `creator` and `wideCreator`
 * are the names of the network that makes it and of the /48 around that, if their rooms are counted; of IPv4 they are
 * the same.
 */
export type NewRoom = {
  slug: string;
  title: string;
  public: boolean;
  skeleton: string;
  titleSkeleton: string;
  creator?: string;
  wideCreator?: string;
};

/** How many rooms there may be, of the whole site and of one creator or one wide creator within a day. */
export type RoomLimits = { total: number; perCreator: number; perWideCreator: number };

/**
 * Creates a room. Returns why it cannot be made: `taken`, a room has this slug or one that looks like it, or it would be
 * public and its slug or title looks like a public room's; `many`, `many_around`: the creator, the wide creator has
 * reached its daily limit; `full`: the site has reached its limit.
 *
 * One at a time, so that nobody gets past a limit or makes two look-alikes by asking twice at once. A creator's rooms are
 * counted in the table, for all nodes together and over restarts; they stay at least a day, so none of them is missing.
 */
export async function createRoom(
  db: Knex,
  room: NewRoom,
  limits: RoomLimits,
): Promise<"made" | "taken" | "many" | "many_around" | "full"> {
  return db.transaction(async (tx) => {
    await tx.raw("select pg_advisory_xact_lock(?)", [MAKING_LOCK]);
    const counts = await countRooms(tx, room);
    if (counts.alike > 0) return "taken";
    if (counts.own >= limits.perCreator) return "many";
    if (counts.around >= limits.perWideCreator) return "many_around";
    if (counts.total >= limits.total) return "full";
    const { titleSkeleton, wideCreator, ...named } = room;
    const row = { ...named, title_skeleton: titleSkeleton, wide_creator: wideCreator };
    const inserted = await tx("rooms").insert(row).onConflict("slug").ignore().returning("id");
    return inserted.length === 1 ? "made" : "taken";
  });
}

/** "make" in ASCII. */
const MAKING_LOCK = 0x6d616b65;

type RoomCounts = { alike: number; own: number; around: number; total: number };

async function countRooms(tx: Knex, room: NewRoom): Promise<RoomCounts> {
  const { rows } = await tx.raw<{ rows: [RoomCounts] }>(
    `select (
         select count(*) from rooms where slug = :slug or skeleton = :skeleton
           or (public and :public and (skeleton = :titleSkeleton or title_skeleton in (:skeleton, :titleSkeleton)))
       ) as alike,
       (select count(*) from rooms where creator = :creator and created_at > now() - interval '1 day') as own,
       (select count(*) from rooms where wide_creator = :wideCreator and created_at > now() - interval '1 day') as around,
       (select count(*) from rooms) as total`,
    { ...room, creator: room.creator ?? null, wideCreator: room.wideCreator ?? null } as Knex.ValueDict,
  );
  return rows[0];
}

/** Fills in the skeletons of rooms that were made before there were any, or by hand. Several nodes may do so at once. */
export async function fillSkeletons(db: Knex, skeletonOf: (name: string) => string): Promise<void> {
  for (;;) {
    const rooms = await db<{ id: number; slug: string; title: string }>("rooms").whereNull("skeleton").limit(1000);
    if (rooms.length === 0) return;
    await db.raw(
      `update rooms set skeleton = filled.skeleton, title_skeleton = filled.title_skeleton
       from (select * from unnest(?::int[], ?::text[], ?::text[]) as f (id, skeleton, title_skeleton) order by id) filled
       where rooms.id = filled.id`,
      [
        rooms.map(({ id }) => id),
        rooms.map(({ slug }) => skeletonOf(slug)),
        rooms.map(({ title }) => skeletonOf(title)),
      ],
    );
  }
}

/**
 * Removes rooms in which nobody said anything and which nobody used for a day, at most `limit`, and returns their
 * numbers, which never come back. Their other events remain; see deleteEvents().
 */
export async function removeUnusedRooms(db: Knex, limit: number): Promise<number[]> {
  const { rows } = await db.raw<{ rows: { room_id: number }[] }>("select * from remove_unused_rooms(?)", [limit]);
  return rows.map((row) => row.room_id);
}

/** Deletes events of a removed room, at most `limit`. Returns how many. */
export async function deleteEvents(db: Knex, roomId: number, limit: number): Promise<number> {
  const { rowCount } = await db.raw<{ rowCount: number }>(
    "delete from events where room_id = ? and seq in (select seq from events where room_id = ? order by seq limit ?)",
    [roomId, roomId, limit],
  );
  return rowCount;
}

/** The 200 liveliest public rooms: those with most people, then those in which something happened last. */
export async function listRooms(db: Knex, freshSeconds: number): Promise<RoomSummary[]> {
  const { rows } = await db.raw<{ rows: (Omit<RoomSummary, "lastAt"> & { last_at: Date | null })[] }>(
    `with headcount as materialized (
       select room_id, count(*) as members from members group by room_id
     ), liveliest as materialized (
       select id, slug, title, last_at, coalesce(members, 0) as members
       from rooms left join headcount on room_id = id where public
       order by members desc nulls last, last_at desc nulls last, id limit 200
     )
     select slug, title, last_at, members,
       (select coalesce(sum(visitors), 0) from watchers
        where room_id = id and seen_at > now() - make_interval(secs => ?)) as visitors
     from liveliest order by members desc, last_at desc nulls last, id`,
    [freshSeconds],
  );
  return rows.map(({ last_at, ...room }) => ({ ...room, lastAt: last_at?.toISOString() ?? null }));
}
