import type { RoomEvent } from "../../protocol/event.ts";
import { HISTORY_EVENTS } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";

export type HistoryPage = { events: RoomEvent[]; hasOlder: boolean };

/** A page of a room's past: what lies before `before`, or the newest. */
export async function readHistory(base: string, room: string, before: number | undefined): Promise<HistoryPage> {
  const place = before === undefined ? "" : `&before=${before}`;
  const response = await fetch(`${base}${PATHS.messages(room)}?limit=${HISTORY_EVENTS}${place}`, { cache: "no-store" });
  if (!response.ok) throw new Error(`The history answered ${response.status}.`);
  const { events, oldest } = (await response.json()) as { events: RoomEvent[]; oldest: number };
  return { events, hasOlder: events[0] !== undefined && events[0].seq > oldest };
}
