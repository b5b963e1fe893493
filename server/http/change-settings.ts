import type { RoomSettings } from "../../protocol/room-settings.ts";
import type { Tail } from "../delivery/tail.ts";
import { type AskedSettings, changeStoredSettings, readStoredSettings } from "../rooms/change-settings.ts";
import type { Site } from "../site.ts";

/** Returns the settings of a room as they are in the database now. Throws `no_such_room`. */
export function readSettingsOf({ db }: Site, { id }: Tail): Promise<RoomSettings> {
  return readStoredSettings(db, id);
}

/**
 * Changes settings of a room, and says so in the room. From then on they hold at this node. Returns
 * all settings. Throws `malformed`, `reserved`, `room_exists` and `no_such_room`.
 */
export async function changeSettingsOf(site: Site, tail: Tail, asked: AskedSettings): Promise<RoomSettings> {
  if (await changeStoredSettings(site, tail, asked)) {
    site.lobby.forget();
    await site.roomWatch.refresh([tail.id]);
  }
  return readSettingsOf(site, tail);
}
