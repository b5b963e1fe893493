import type { Knex } from "knex";
import type { Member } from "../../protocol/event.ts";
import type { RoomRules } from "../../protocol/room-settings.ts";
import { databaseNow, execute, rowsOf } from "../pool/statement.ts";
import { CREATE_LOCK } from "./rooms.ts";
import { notifyChannelOf, publishHeads, type WakeUps } from "./wake-ups.ts";

/** The channel that carries the numbers of rooms whose settings, roles or password have changed. */
export const ROOM_CHANNEL = "chattera_room";

/**
 * A change of a room. Fields that are left out stay. `password` is the hash of a new one, or null
 * for none. `notices` are said in the room by `member`.
 */
export type RoomChange = {
  roomId: number;
  title?: string;
  titleSkeleton?: string;
  description?: string;
  public?: boolean;
  silent?: boolean;
  password?: string | null;
  rules?: Partial<RoomRules>;
  member: Member;
  notices: string[];
};

/**
 * Changes a room, says so in its log and publishes the change, in one commit. Returns `taken` if
 * another public room has a name that looks like the new title, and `gone` without the room.
 */
export async function changeRoom(
  db: Knex,
  wakeUps: WakeUps,
  change: RoomChange,
): Promise<"changed" | "taken" | "gone"> {
  const { roomId, title, titleSkeleton, member, notices } = change;
  const outcome = await db.transaction(async (tx) => {
    if (title !== undefined || change.public === true) {
      await execute(tx, "select pg_advisory_xact_lock(?)", [CREATE_LOCK]);
      if (await isTaken(tx, change)) return "taken";
    }
    const row = {
      ...(title !== undefined && { title, title_skeleton: titleSkeleton, has_own_title: true }),
      ...(change.description !== undefined && { description: change.description }),
      ...(change.public !== undefined && { public: change.public }),
      ...(change.silent !== undefined && { silent: change.silent }),
      ...(change.password !== undefined && { password: change.password }),
      ...(change.rules?.locked !== undefined && { locked_at: change.rules.locked ? databaseNow(tx) : null }),
      changed_at: databaseNow(tx),
    };
    const changed = await tx("rooms").where({ id: roomId }).update(row);
    if (changed === 0) return "gone";
    if (change.rules !== undefined)
      await execute(tx, "update rooms set settings = settings || ?::jsonb where id = ?", [
        JSON.stringify(change.rules),
        roomId,
      ]);
    if (change.password !== undefined) await tx("password_grants").where({ room_id: roomId }).delete();
    await appendNotices(tx, { roomId, member, texts: notices }, wakeUps);
    return "changed";
  });
  if (outcome === "changed") await publishRooms(wakeUps, [roomId]);
  return outcome;
}

/** Returns whether a public room has a name that looks like the one that this room would have. */
async function isTaken(tx: Knex, { roomId, titleSkeleton, public: isPublic }: RoomChange): Promise<boolean> {
  const [found] = await rowsOf<{ alike: boolean }>(
    tx,
    `select exists (
       select from rooms o where o.id <> r.id and o.public and coalesce(?::boolean, r.public)
         and (o.skeleton = n.skeleton or o.title_skeleton in (r.skeleton, n.skeleton))
     ) as alike
     from rooms r cross join lateral (select coalesce(?::text, r.title_skeleton) as skeleton) n where r.id = ?`,
    [isPublic ?? null, titleSkeleton ?? null, roomId],
  );
  return found?.alike === true;
}

/** Appends notices to a room's log, within a transaction, whether or not the member is there. */
export async function appendNotices(
  tx: Knex.Transaction,
  { roomId, member, texts }: { roomId: number; member: Member; texts: string[] },
  wakeUps: WakeUps,
): Promise<void> {
  if (texts.length === 0) return;
  const [head] = await rowsOf<{ room_id: number; seq: number }>(
    tx,
    `with room as materialized (
       select id, last_seq from rooms where id = ? for no key update
     ), said as (
       insert into events (room_id, seq, kind, member_id, nickname, color, trip, text, at)
       select id, last_seq + place, 'notice', ?, ?, ?, ?, t.text, date_trunc('milliseconds', clock_timestamp())
       from room cross join unnest(?::text[]) with ordinality as t (text, place) returning seq, at
     )
     update rooms set last_seq = n.seq, last_at = n.at from (select max(seq) as seq, max(at) as at from said) n
     where rooms.id = (select id from room) returning rooms.id as room_id, rooms.last_seq as seq`,
    [roomId, member.id, member.nickname, member.color, member.trip ?? null, texts],
  );
  if (head === undefined) return;
  const channel = notifyChannelOf(wakeUps);
  if (channel !== null) await execute(tx, "select pg_notify(?, ?)", [channel, `${head.room_id}:${head.seq}`]);
  else await publishHeads(tx, wakeUps, [head]);
}

/** Notifies every node that rooms have other settings, roles or passwords. */
export async function publishRooms(wakeUps: WakeUps, roomIds: number[]): Promise<void> {
  await wakeUps.publish(ROOM_CHANNEL, roomIds.join(" "));
}

/** Returns the rooms that changed within the last `seconds`, and when (ms since 1970). */
export function readRecentRules(db: Knex, seconds: number): Promise<{ id: number; at: number }[]> {
  return rowsOf<{ id: number; at: number }>(
    db,
    `select id, (extract(epoch from changed_at) * 1000)::bigint as at from rooms
     where changed_at > now() - ? * interval '1 second'`,
    [seconds],
  );
}

/** Switches slow mode on for `seconds` from now, unless it is on for half of that already. */
export async function beginRaid(
  db: Knex,
  wakeUps: WakeUps,
  { roomId, seconds }: { roomId: number; seconds: number },
): Promise<void> {
  const begun = await execute(
    db,
    `update rooms set raid_until = now() + ? * interval '1 second', changed_at = now()
     where id = ? and (raid_until is null or raid_until < now() + ? * interval '1 second')`,
    [seconds, roomId, seconds / 2],
  );
  if (begun > 0) await publishRooms(wakeUps, [roomId]);
}

/** Returns how many ms ago a member said something, if that is among a room's last events. */
export async function findLastSaid(db: Knex, roomId: number, memberId: string): Promise<number | undefined> {
  const [said] = await rowsOf<{ agoMs: number }>(
    db,
    `select (extract(epoch from clock_timestamp() - at) * 1000)::bigint as "agoMs" from (
       select member_id, kind, at from events where room_id = ? order by seq desc limit ${LOOKED_AT}
     ) latest where member_id = ? and kind = 'message' limit 1`,
    [roomId, memberId],
  );
  return said?.agoMs;
}

/** A room in slow mode has few messages. 1,000 rows by the key take a millisecond. */
const LOOKED_AT = 1_000;
