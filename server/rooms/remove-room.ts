import { logAct } from "../../db/log/moderation.ts";
import { publishPresence } from "../../db/log/presence.ts";
import { deleteEvents, deleteRoom, findInboxesOf, isKept } from "../../db/log/rooms.ts";
import { refuse } from "../refusal.ts";
import type { ModeratedRoom, ModeratedSite, Moderator } from "./moderate.ts";

/** Events that one statement deletes, which takes some 25 ms. */
const EVENTS = 1_000;

/**
 * Removes a room with its messages and whispers. It is gone for everyone once its log is empty, so
 * an attempt that is interrupted can be repeated. Throws `not_allowed` for a room of the settings.
 */
export async function removeRoom(
  { db, wakeUps }: ModeratedSite,
  { moderator, room }: { moderator: Moderator; room: ModeratedRoom },
): Promise<void> {
  if (await isKept(db, room.id))
    throw refuse("not_allowed", "The lobby and the rooms of CHATTERA_ROOMS cannot be removed.");
  const logs = [room.id, ...(await findInboxesOf(db, room.id))];
  await emptyLogs();
  const removed = await deleteRoom(db, room.id);
  logs.push(...removed);
  // Messages may have come meanwhile.
  await emptyLogs();
  await publishPresence(wakeUps, removed);
  await logAct(db, { ...moderator, room: room.slug, act: "remove room" });

  async function emptyLogs(): Promise<void> {
    for (const roomId of new Set(logs)) while ((await deleteEvents(db, roomId, EVENTS)) === EVENTS);
  }
}
