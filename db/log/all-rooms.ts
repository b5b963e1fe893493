import type { Knex } from "knex";
import { rowsOf } from "../pool/statement.ts";

/** A room in an operator's list. `events` is its last seq. */
export type OperatedRoom = {
  slug: string;
  title: string;
  public: boolean;
  members: number;
  events: number;
  reports: number;
  createdAt: string;
  lastAt: string | null;
};

/** Rooms in the list, at most. */
const ROOMS_MAX = 1_000;

/**
 * Returns all rooms, those by link only too, the latest event first; at most 1,000. Inboxes, whose
 * names begin with an @, are left out.
 */
export async function listAllRooms(db: Knex): Promise<OperatedRoom[]> {
  type Row = Omit<OperatedRoom, "createdAt" | "lastAt"> & { createdAt: Date; lastAt: Date | null };
  const rows = await rowsOf<Row>(
    db,
    `select slug, title, public, last_seq as events, created_at as "createdAt", last_at as "lastAt",
       (select count(*) from members where room_id = rooms.id) as members,
       (select count(*) from reports where room_id = rooms.id and resolved_at is null) as reports
     from rooms where slug not like '@%' order by last_at desc nulls last, id limit ?`,
    [ROOMS_MAX],
  );
  return rows.map((row) => ({
    ...row,
    createdAt: row.createdAt.toISOString(),
    lastAt: row.lastAt?.toISOString() ?? null,
  }));
}

/** Returns the room with this number, `undefined` if it is gone. */
export async function findRoom(db: Knex, id: number): Promise<{ id: number; slug: string } | undefined> {
  return (await rowsOf<{ id: number; slug: string }>(db, "select id, slug from rooms where id = ?", [id]))[0];
}
