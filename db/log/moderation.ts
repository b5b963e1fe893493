import type { Knex } from "knex";
import { execute, rowsOf } from "../pool/statement.ts";

/**
 * An act for the log of moderation. `by` is the moderator's member id, or `operator`, and `name`
 * the nickname of the person whom it is about. `until` is in milliseconds since 1970, and `count`
 * the number of messages or people.
 */
export type ModerationAct = {
  roomId?: number | undefined;
  room?: string | undefined;
  by: string;
  byName: string;
  act: string;
  kind?: string | undefined;
  value?: string | undefined;
  name?: string | undefined;
  reason?: string | undefined;
  until?: number | undefined;
  count?: number | undefined;
};

/** An entry of the log of moderation. */
export type LoggedAct = {
  id: number;
  at: string;
  room: string | null;
  by: string;
  byName: string;
  act: string;
  kind: string | null;
  value: string | null;
  name: string | null;
  reason: string | null;
  until: string | null;
  count: number | null;
};

/** Adds an act to the log of moderation, which is kept for good. */
export async function logAct(db: Knex, act: ModerationAct): Promise<void> {
  const { roomId, room, by, byName, kind, value, name, reason, until, count } = act;
  await execute(
    db,
    `insert into moderation (room_id, room, by, by_name, act, kind, value, name, reason, until, count)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, to_timestamp(?::double precision / 1000), ?)`,
    [
      roomId ?? null,
      room ?? null,
      by,
      byName,
      act.act,
      kind ?? null,
      value ?? null,
      name ?? null,
      reason || null,
      until ?? null,
      count ?? null,
    ],
  );
}

/**
 * Returns acts before an id, newest first: of a room, by its number or, if it is gone, by its name;
 * or of the whole site.
 */
export async function readActs(
  db: Knex,
  { roomId, before, limit }: { roomId?: number | undefined; before?: number | undefined; limit: number },
): Promise<LoggedAct[]> {
  const rows = await rowsOf<Omit<LoggedAct, "at" | "until"> & { at: Date; until: Date | null }>(
    db,
    `select id, at, room, by, by_name as "byName", act, kind, value, name, reason, until, count from moderation
     where id < ? and (?::int is null or room_id = ?) order by id desc limit ?`,
    [before ?? Number.MAX_SAFE_INTEGER, roomId ?? null, roomId ?? null, limit],
  );
  return rows.map((row) => ({ ...row, at: row.at.toISOString(), until: row.until?.toISOString() ?? null }));
}
