import type { Knex } from "knex";
import { rowsOf } from "../pool/statement.ts";

/**
 * A room with what its file contains. It has the events after `pruned`, up to `head`. Keys,
 * networks and passwords are left out.
 */
export type RoomToExport = {
  roomId: number;
  slug: string;
  title: string;
  public: boolean;
  silent: boolean;
  showsWords: boolean;
  description: string;
  /** The settings that differ from those of a new room. */
  rules: { [name: string]: unknown };
  /** The room has a password, which is not exported. */
  hasPassword: boolean;
  pruned: number;
  head: number;
};

/**
 * Returns the room with this slug. Events that are older than `days`, or than the room keeps them,
 * count as pruned, although no node may have come to delete them yet.
 */
export async function findExported(
  db: Knex,
  slug: string,
  days: number | undefined,
): Promise<RoomToExport | undefined> {
  const [room] = await rowsOf<RoomToExport>(
    db,
    `select id as "roomId", slug, title, public, silent, shows_words as "showsWords", description,
       settings as rules, password is not null as "hasPassword", last_seq as head,
       case when kept.days is null then pruned_seq else coalesce((
         select e.seq - 1 from events e
         where e.room_id = rooms.id and e.seq > rooms.pruned_seq and e.at >= now() - make_interval(days => kept.days)
         order by e.seq limit 1
       ), last_seq) end as pruned
     from rooms cross join lateral (select least(?::int, (settings->>'keepDays')::int) as days offset 0) kept
     where slug = ? and inbox_of is null`,
    [days ?? null, slug],
  );
  return room;
}

/** Returns how many edits and erases a room's log has after a seq. */
export async function countChangesAfter(db: Knex, roomId: number, seq: number): Promise<number> {
  const [row] = await rowsOf<{ count: number }>(
    db,
    "select count(*) from events where room_id = ? and seq > ? and kind in ('edit', 'erase', 'unname')",
    [roomId, seq],
  );
  return row?.count ?? 0;
}
