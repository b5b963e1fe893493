import type { Knex } from "knex";
import { changeRoom } from "../../db/log/room-rules.ts";
import { readRooms } from "../../db/log/rooms.ts";
import type { Member } from "../../protocol/event.ts";
import type { RoomSettings } from "../../protocol/room-settings.ts";
import { refuse } from "../refusal.ts";
import type { ModeratedRoom, ModeratedSite } from "./moderate.ts";
import { hashPassword } from "./password.ts";
import type { Reserved } from "./reserved.ts";
import { changeOf, noticesOf, readSettings, settingsOf } from "./settings.ts";
import { roomSkeletonOf } from "./skeleton.ts";

/** The fields to change, as a body has them, and the member who says so in the room. */
export type AskedSettings = { fields: { [name: string]: unknown }; member: Member };

/** Returns the settings of a room as they are in the database now. Throws `no_such_room`. */
export async function readStoredSettings(db: Knex, roomId: number): Promise<RoomSettings> {
  const [room] = await readRooms(db, [roomId]);
  if (room === undefined) throw refuse("no_such_room");
  return settingsOf(room);
}

/**
 * Changes settings of a room, and says so in the room. Returns whether anything differs now. Throws
 * `malformed`, `reserved`, `room_exists` and `no_such_room`.
 */
export async function changeStoredSettings(
  { db, wakeUps, reserved }: ModeratedSite & { reserved: Reserved },
  { id, slug }: ModeratedRoom,
  { fields, member }: AskedSettings,
): Promise<boolean> {
  const change = readSettings(fields, await readStoredSettings(db, id), slug);
  if (Object.keys(change).length === 0) return false;
  const { title, password } = change;
  if (title !== undefined && reserved.hasRoom(title)) throw refuse("reserved");
  const outcome = await changeRoom(db, wakeUps, {
    roomId: id,
    ...changeOf(change),
    ...(title !== undefined && { titleSkeleton: roomSkeletonOf(title) }),
    ...(password !== undefined && { password: password === null ? null : await hashPassword(password) }),
    member,
    notices: noticesOf(change),
  });
  if (outcome === "taken") throw refuse("room_exists");
  if (outcome === "gone") throw refuse("no_such_room");
  return true;
}
