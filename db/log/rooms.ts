import type { Knex } from "knex";
import type { Member } from "../../protocol/event.ts";
import type { Role, RoomRules } from "../../protocol/room-settings.ts";
import { execute, rowsOf } from "../pool/statement.ts";

/**
 * A room of the log. `head` is the seq of its last event, 0 if there is none. A `public` room is in
 * the list of rooms. Where `silent` is true, members may enter without a line in the log.
 */
export type StoredRoom = {
  id: number;
  slug: string;
  title: string;
  public: boolean;
  silent: boolean;
  head: number;
} & RoomState;

/** A role of a member, by its id or its trip. */
export type StoredRole = { kind: "member" | "trip"; value: string; role: Role };

/**
 * The part of a room that its owner has set. `rules` are those that differ from the usual ones.
 * `passwordMark` is another one with each password, and null without one. `raidMs` is for how long
 * slow mode stays on that began by itself. `changedAt` is when any of this changed, in milliseconds
 * since 1970.
 */
export type RoomState = {
  description: string;
  rules: Partial<RoomRules>;
  roles: StoredRole[];
  passwordMark: string | null;
  raidMs: number | null;
  changedAt: number | null;
};

/** A person in the list of rooms. */
export type ListedPerson = Pick<Member, "nickname" | "color">;

/**
 * A room in the list of rooms. `lastAt` is the time of its last message or notice, RFC 3339 UTC.
 * `people` are some of its members, and `words` is the beginning of its latest message, both for
 * the liveliest rooms only.
 */
export type ListedRoom = {
  slug: string;
  title: string;
  members: number;
  visitors: number;
  lastAt: string | null;
  people: ListedPerson[];
  words: (ListedPerson & { text: string }) | null;
};

/** Returns the rooms with these slugs that exist, in the order of the slugs. */
export function findRooms(db: Knex, slugs: string[]): Promise<StoredRoom[]> {
  return rowsOf<StoredRoom>(
    db,
    `select ${ROOM_COLUMNS} from rooms where slug = any(?::text[]) order by array_position(?::text[], slug)`,
    [slugs, slugs],
  );
}

/** Returns the rooms with these numbers that exist. */
export function readRooms(db: Knex, ids: number[]): Promise<StoredRoom[]> {
  return rowsOf<StoredRoom>(db, `select ${ROOM_COLUMNS} from rooms where id = any(?::int[])`, [ids]);
}

const ROOM_COLUMNS = `id, slug, title, public, silent, last_seq as head, description, settings as rules,
  md5(password) as "passwordMark", (extract(epoch from raid_until - now()) * 1000)::bigint as "raidMs",
  (extract(epoch from changed_at) * 1000)::bigint as "changedAt",
  coalesce((
    select json_agg(json_build_object('kind', kind, 'value', value, 'role', role)) from roles where room_id = rooms.id
  ), '[]') as roles`;

/**
 * The last seq of a room and the first one that is still kept, and the time and the author of the
 * last event, if it is kept.
 */
export type StoredBounds = { head: number; oldest: number; at: Date | null; memberId: string | null };

/** Returns the bounds of a room's log, `undefined` if the room is gone. */
export async function readBounds(db: Knex, roomId: number): Promise<StoredBounds | undefined> {
  const [bounds] = await rowsOf<StoredBounds>(
    db,
    `select last_seq as head,
       coalesce(
         (select min(seq) from events where room_id = rooms.id and seq > rooms.pruned_seq), last_seq + 1
       ) as oldest, at, member_id as "memberId"
     from rooms left join events on room_id = rooms.id and seq = last_seq where rooms.id = ?`,
    [roomId],
  );
  return bounds;
}

/**
 * A room to create, with the skeletons of its slug and title (server/rooms/skeleton.ts). `creator`
 * and `wideCreator` are the names of the network that creates it and of the /48 around it, if their
 * rooms are counted. For IPv4 they are equal.
 */
export type NewRoom = {
  slug: string;
  title: string;
  public: boolean;
  skeleton: string;
  titleSkeleton: string;
  /** Members may enter without a line in the log. */
  silent?: boolean;
  /** The lobby shows the latest message, as it does by default. */
  showsWords?: boolean;
  creator?: string;
  wideCreator?: string;
  /** The hash of the key that makes a session the owner. */
  ownerKey?: string;
};

/**
 * The number of rooms that a site holds, and that a creator and a wide creator may create in a day.
 */
export type RoomLimits = { total: number; perCreator: number; perWideCreator: number };

/**
 * Creates a room, or returns why it cannot. `taken`: a room has this slug or one that looks like
 * it, or the room would be public and its slug or title looks like a public room's. `many`,
 * `many_around`: the creator or the wide creator has reached its daily limit. `full`: the site has
 * reached its limit.
 *
 * One room at a time, so that parallel requests can neither pass a limit nor create two
 * look-alikes. The rooms of a creator are counted in the table, over all nodes and restarts. They
 * stay at least a day, so none of them is missing.
 */
export async function createRoom(
  db: Knex,
  { owners = [], ...room }: NewRoom & { owners?: Omit<StoredRole, "role">[] },
  limits: RoomLimits,
): Promise<"made" | "taken" | "many" | "many_around" | "full"> {
  return db.transaction(async (tx) => {
    await execute(tx, "select pg_advisory_xact_lock(?)", [CREATE_LOCK]);
    const counts = await countRooms(tx, room);
    if (counts.alike > 0) return "taken";
    if (counts.own >= limits.perCreator) return "many";
    if (counts.around >= limits.perWideCreator) return "many_around";
    if (counts.total >= limits.total) return "full";
    const { titleSkeleton, wideCreator, showsWords, ownerKey, ...named } = room;
    const row = {
      ...named,
      title_skeleton: titleSkeleton,
      wide_creator: wideCreator,
      shows_words: showsWords,
      owner_key: ownerKey,
    };
    const [inserted] = await tx("rooms").insert(row).onConflict("slug").ignore().returning("id");
    if (inserted === undefined) return "taken";
    if (owners.length > 0)
      await tx("roles").insert(owners.map((owner) => ({ ...owner, room_id: inserted.id, role: "owner" })));
    return "made";
  });
}

/** "make" in ASCII: a key among the database's advisory locks. */
export const CREATE_LOCK = 0x6d616b65;

type RoomCounts = { alike: number; own: number; around: number; total: number };

async function countRooms(tx: Knex, room: NewRoom): Promise<RoomCounts> {
  const [counts] = await rowsOf<RoomCounts>(
    tx,
    `select (
         select count(*) from rooms where slug = :slug or skeleton = :skeleton
           or (public and :public and (skeleton = :titleSkeleton or title_skeleton in (:skeleton, :titleSkeleton)))
       ) as alike,
       (select count(*) from rooms where creator = :creator and created_at > now() - interval '1 day') as own,
       (select count(*) from rooms where wide_creator = :wideCreator and created_at > now() - interval '1 day') as around,
       (select count(*) from rooms where inbox_of is null) as total`,
    { ...room, creator: room.creator ?? null, wideCreator: room.wideCreator ?? null } as Knex.ValueDict,
  );
  return counts as RoomCounts;
}

/**
 * Fills in the skeletons of rooms that have none: older rooms, and rooms created by hand. Safe on
 * several nodes.
 */
export async function fillSkeletons(db: Knex, skeletonOf: (name: string) => string): Promise<void> {
  for (;;) {
    const rooms = await db<{ id: number; slug: string; title: string }>("rooms")
      .whereNull("skeleton")
      .whereNull("inbox_of")
      .limit(1000);
    if (rooms.length === 0) return;
    await execute(
      db,
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
 * Removes rooms without a message that nobody used for a day, at most `limit`, and their inboxes.
 * Returns the numbers of all, which are never used again. Their other events remain, see
 * deleteEvents().
 */
export async function removeUnusedRooms(db: Knex, limit: number): Promise<number[]> {
  const rows = await rowsOf<{ room_id: number }>(db, "select * from remove_unused_rooms(?)", [limit]);
  return rows.map((row) => row.room_id);
}

/** Returns whether a room belongs to the site: the lobby and the rooms of the settings stay. */
export async function isKept(db: Knex, roomId: number): Promise<boolean> {
  const rows = await rowsOf(db, "select from rooms where id = ? and (kept or slug = 'lobby')", [roomId]);
  return rows.length > 0;
}

/** Returns the numbers of a room's inboxes. */
export async function findInboxesOf(db: Knex, roomId: number): Promise<number[]> {
  const rows = await rowsOf<{ id: number }>(db, "select id from rooms where parent_id = ?", [roomId]);
  return rows.map(({ id }) => id);
}

/**
 * Removes a room and its inboxes, and returns the numbers of all. Their events have to be deleted
 * with deleteEvents(). A member that enters or posts meanwhile locks the room's row first, or finds
 * it gone.
 */
export async function deleteRoom(db: Knex, roomId: number): Promise<number[]> {
  const rows = await rowsOf<{ id: number }>(
    db,
    `with removed as (delete from rooms where id = ? returning id)
     select id from removed union all select i.id from rooms i join removed d on i.parent_id = d.id`,
    [roomId],
  );
  return rows.map(({ id }) => id);
}

/** Deletes events of a removed room, at most `limit`. Returns the number of events deleted. */
export function deleteEvents(db: Knex, roomId: number, limit: number): Promise<number> {
  return execute(
    db,
    "delete from events where room_id = ? and seq in (select seq from events where room_id = ? order by seq limit ?)",
    [roomId, roomId, limit],
  );
}

/** A room that the site always has. */
export type KeptRoom = Pick<NewRoom, "slug" | "title" | "skeleton" | "titleSkeleton">;

/**
 * Creates the rooms that are missing, and sets the titles of those that have none of their own.
 * Safe on several nodes.
 */
export async function keepRooms(db: Knex, rooms: KeptRoom[]): Promise<void> {
  await execute(
    db,
    `insert into rooms (slug, title, skeleton, title_skeleton, kept)
     select slug, title, skeleton, title_skeleton, true
     from unnest(?::text[], ?::text[], ?::text[], ?::text[]) as k (slug, title, skeleton, title_skeleton) order by slug
     on conflict (slug) do update set kept = true,
       title = case when rooms.has_own_title then rooms.title else excluded.title end,
       title_skeleton = case when rooms.has_own_title then rooms.title_skeleton else excluded.title_skeleton end
     where not rooms.kept or (not rooms.has_own_title and rooms.title <> excluded.title)`,
    [
      rooms.map(({ slug }) => slug),
      rooms.map(({ title }) => title),
      rooms.map(({ skeleton }) => skeleton),
      rooms.map(({ titleSkeleton }) => titleSkeleton),
    ],
  );
}

/** Rooms whose people and words are listed. The reader of a list looks at the first ones. */
const LIVELY_ROOMS = 50;

/** People of a room in the list: a row of seals on a phone. */
const LISTED_PEOPLE = 6;

/** Characters of the latest message: two lines of a card. */
const LISTED_WORDS = 120;

/**
 * Returns the 200 liveliest public rooms: those with most members first, then those with the latest
 * event. Members who entered silently are counted, but not named. Rooms that not everyone may read
 * show neither people nor words.
 *
 * People and words are found by the keys of their tables, a few rows for each of the first rooms.
 */
export async function listRooms(db: Knex, freshSeconds: number): Promise<ListedRoom[]> {
  const rows = await rowsOf<Omit<ListedRoom, "lastAt"> & { last_at: Date | null }>(
    db,
    `with headcount as materialized (
       select room_id, count(*) as members from members group by room_id
     ), liveliest as materialized (
       select id, slug, title, shows_words, is_open, coalesce(members, 0) as members,
         row_number() over (order by members desc nulls last, last_at desc nulls last, id) as place
       from rooms cross join lateral (
         select password is null and coalesce(settings->>'mayRead', 'everyone') = 'everyone'
           and settings->>'historyForNewcomers' is null as is_open
       ) reading left join headcount on room_id = id where public
       order by place limit 200
     )
     select slug, title, members, coalesce(visitors, 0) as visitors, coalesce(people, '[]') as people, last_at,
       case when place <= :lively and shows_words and is_open then words end as words
     from liveliest left join count_watchers(null, :fresh) on room_id = id
     left join lateral (
       select json_agg(json_build_object('nickname', nickname, 'color', color)) as people
       from (
         select nickname, color from members m
         where m.room_id = liveliest.id and place <= :lively and is_open and liveliest.members > 0 and not silent
         order by look limit :people
       ) shown
     ) here on true
     left join lateral (
       select at as last_at from events e
       where e.room_id = liveliest.id and e.kind in ('message', 'notice') and e.text is not null
       order by seq desc limit 1
     ) said on true
     left join lateral (
       select json_build_object('nickname', nickname, 'color', color, 'text', left(text, :words)) as words
       from events e where e.room_id = liveliest.id and e.kind = 'message' and e.text is not null
       order by seq desc limit 1
     ) latest on true
     order by place`,
    { fresh: freshSeconds, lively: LIVELY_ROOMS, people: LISTED_PEOPLE, words: LISTED_WORDS },
  );
  return rows.map(({ last_at, ...room }) => ({ ...room, lastAt: last_at?.toISOString() ?? null }));
}
