import { changeRoom } from "../../db/log/room-rules.ts";
import { readRooms, type StoredRoom } from "../../db/log/rooms.ts";
import type { Member } from "../../protocol/event.ts";
import type { RoomSettings } from "../../protocol/room-settings.ts";
import type { Tail } from "../delivery/tail.ts";
import { refuse } from "../refusal.ts";
import { hashPassword } from "../rooms/password.ts";
import { changeOf, noticesOf, readSettings, settingsOf } from "../rooms/settings.ts";
import { roomSkeletonOf } from "../rooms/skeleton.ts";
import type { Site } from "../site.ts";

/** Returns the settings of a room as they are in the database now. Throws `no_such_room`. */
export async function readSettingsOf({ db }: Site, tail: Tail): Promise<RoomSettings> {
  return settingsOf(await storedRoom(db, tail));
}

async function storedRoom(db: Site["db"], { id }: Tail): Promise<StoredRoom> {
  const [room] = await readRooms(db, [id]);
  if (room === undefined) throw refuse("no_such_room");
  return room;
}

/** The fields to change, as a body has them, and the member who says so in the room. */
type AskedChange = { fields: { [name: string]: unknown }; member: Member };

/**
 * Changes settings of a room, and says so in the room. Returns all settings. Throws `malformed`,
 * `reserved`, `room_exists` and `no_such_room`.
 */
export async function changeSettingsOf(site: Site, tail: Tail, { fields, member }: AskedChange): Promise<RoomSettings> {
  const before = await readSettingsOf(site, tail);
  const change = readSettings(fields, before, tail.slug);
  if (Object.keys(change).length === 0) return before;
  const { title, password } = change;
  if (title !== undefined && site.reserved.hasRoom(title)) throw refuse("reserved");
  const outcome = await changeRoom(site.db, site.wakeUps, {
    roomId: tail.id,
    ...changeOf(change),
    ...(title !== undefined && { titleSkeleton: roomSkeletonOf(title) }),
    ...(password !== undefined && { password: password === null ? null : await hashPassword(password) }),
    member,
    notices: noticesOf(change),
  });
  if (outcome === "taken") throw refuse("room_exists");
  if (outcome === "gone") throw refuse("no_such_room");
  site.lobby.forget();
  await site.roomWatch.refresh([tail.id]);
  return readSettingsOf(site, tail);
}
