import type { Knex } from "knex";
import { rowsOf } from "../pool/statement.ts";

/** A room as a host sees it: with the seq of its last event and when that was. */
export type FollowedRoom = {
  id: number;
  slug: string;
  title: string;
  public: boolean;
  head: number;
  lastAt: Date | null;
};

/** Returns the rooms with these numbers, or all. A member's inbox is no room. */
export function followedRooms(db: Knex, roomIds?: number[]): Promise<FollowedRoom[]> {
  return rowsOf<FollowedRoom>(
    db,
    `select id, slug, title, public, last_seq as head, last_at as "lastAt" from rooms
     where inbox_of is null and (?::int[] is null or id = any(?::int[])) order by slug`,
    [roomIds ?? null, roomIds ?? null],
  );
}
