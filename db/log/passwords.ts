import type { Knex } from "knex";
import { execute, rowsOf } from "../pool/statement.ts";

/** Returns the hash of a room's password; null if it has none. */
export async function readPassword(db: Knex, roomId: number): Promise<string | null> {
  const [room] = await rowsOf<{ password: string | null }>(db, "select password from rooms where id = ?", [roomId]);
  return room?.password ?? null;
}

/**
 * Notes that these holders know the password that is stored like this. Does nothing if the room has
 * another password by now.
 */
export async function grantPassword(
  db: Knex,
  { roomId, stored, holders }: { roomId: number; stored: string; holders: string[] },
): Promise<void> {
  await execute(
    db,
    `insert into password_grants (room_id, holder)
     select id, holder from rooms cross join unnest(?::text[]) holder where id = ? and password = ? for share of rooms
     on conflict (room_id, holder) do update set at = now()`,
    [holders, roomId, stored],
  );
}

/** Returns whether one of these holders knows a room's password. */
export async function hasGrant(db: Knex, roomId: number, holders: string[]): Promise<boolean> {
  const [found] = await rowsOf<{ found: boolean }>(
    db,
    "select exists (select from password_grants where room_id = ? and holder = any(?::text[])) as found",
    [roomId, holders],
  );
  return found?.found === true;
}

/** Deletes grants that are older than `days` days. */
export async function pruneGrants(db: Knex, days: number): Promise<void> {
  await execute(db, "delete from password_grants where at < now() - make_interval(days => ?)", [days]);
}
