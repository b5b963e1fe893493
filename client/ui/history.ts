import type { Member, RoomEvent } from "../../protocol/event.ts";
import { HISTORY_EVENTS } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";

/** Events, oldest first, and whether there is anything before them. */
export type HistoryPage = { events: RoomEvent[]; hasOlder: boolean };

/** A page of a room's past: what lies before `before`, or the newest. */
export async function readHistory(base: string, room: string, before: number | undefined): Promise<HistoryPage> {
  const place = before === undefined ? "" : `&before=${before}`;
  const response = await fetch(`${base}${PATHS.messages(room)}?limit=${HISTORY_EVENTS}${place}`, { cache: "no-store" });
  if (!response.ok) throw new Error(`The history answered ${response.status}.`);
  const { events, oldest } = (await response.json()) as { events: RoomEvent[]; oldest: number };
  return { events, hasOlder: events[0] !== undefined && events[0].seq > oldest };
}

/** Who is in a room just now. */
export async function readMembers(base: string, room: string): Promise<Member[]> {
  const response = await fetch(base + PATHS.roomState(room), { cache: "no-store" });
  if (!response.ok) throw new Error(`The room answered ${response.status}.`);
  return ((await response.json()) as { members: Member[] }).members;
}
