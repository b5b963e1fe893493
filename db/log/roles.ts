import type { Knex } from "knex";
import type { Role } from "../../protocol/room-settings.ts";
import { execute, rowsOf } from "../pool/statement.ts";
import { publishRooms } from "./room-rules.ts";
import type { StoredRole } from "./rooms.ts";
import type { WakeUps } from "./wake-ups.ts";

/** Roles of one room: twice as many moderators and approved people as a room holds members. */
const ROLES_MAX = 4_000;

/** A role to store, and the member that gives it. */
export type GivenRole = StoredRole & { roomId: number; by: string | undefined };

/** Gives a role in a room, instead of the one before. Returns false if the room has too many. */
export async function giveRole(db: Knex, wakeUps: WakeUps, given: GivenRole): Promise<boolean> {
  const { roomId, kind, value, role, by } = given;
  const stored = await execute(
    db,
    `with changed as (update rooms set changed_at = now() where id = ? returning id)
     insert into roles (room_id, kind, value, role, by)
     select id, ?, ?, ?, ? from changed where (select count(*) from roles where room_id = id) < ${ROLES_MAX}
     on conflict (room_id, kind, value) do update set role = excluded.role, by = excluded.by, at = now()`,
    [roomId, kind, value, role, by ?? null],
  );
  await publishRooms(wakeUps, [roomId]);
  return stored > 0;
}

/** Takes a role away. */
export async function takeRole(
  db: Knex,
  wakeUps: WakeUps,
  { roomId, kind, value }: Omit<StoredRole, "role"> & { roomId: number },
): Promise<void> {
  await execute(
    db,
    `with changed as (update rooms set changed_at = now() where id = ? returning id)
     delete from roles using changed where room_id = id and kind = ? and value = ?`,
    [roomId, kind, value],
  );
  await publishRooms(wakeUps, [roomId]);
}

/** A role as a list shows it, with the latest nickname that a member has in the room. */
export type ListedRole = { kind: "member" | "trip"; value: string; role: Role; nickname: string | null; at: Date };

/** Returns the roles of a room, the oldest first. */
export function listRoles(db: Knex, roomId: number): Promise<ListedRole[]> {
  return rowsOf<ListedRole>(
    db,
    `select kind, value, role, roles.at, m.nickname
     from roles left join lateral (
       select nickname from members m where m.room_id = roles.room_id
         and case kind when 'member' then m.member_id = value else m.trip = value end limit 1
     ) m on true
     where room_id = ? order by roles.at, value`,
    [roomId],
  );
}

/** Replaces the hash of a room's owner key. The former key is worth nothing from then on. */
export async function writeOwnerKey(db: Knex, roomId: number, hash: string): Promise<void> {
  await execute(db, "update rooms set owner_key = ? where id = ?", [hash, roomId]);
}

/** Returns the hash of a room's owner key; null for a room without an owner. */
export async function readOwnerKey(db: Knex, roomId: number): Promise<string | null> {
  const [room] = await rowsOf<{ owner_key: string | null }>(db, "select owner_key from rooms where id = ?", [roomId]);
  return room?.owner_key ?? null;
}
