import { roomLimits } from "../../protocol/room-limits.ts";
import type { RoomSignal } from "../../protocol/room-settings.ts";
import type { Page } from "../page.ts";
import { part, setText, show } from "./dom.ts";

/** Shows what the room says about itself: title, announcement, description and limits. */
export function showRoomState({ words }: Page, room: RoomSignal): void {
  const { title, pinned, description } = room;
  const limits = roomLimits(room, words.limits);
  const heading = document.getElementsByTagName("h1")[0];
  if (heading !== undefined) setText(heading, title);
  setText(part("pinned-text"), pinned);
  setText(part("room-description"), description);
  setText(part("room-limits"), limits);
  show(part("pinned"), pinned !== "");
  show(part("room-description"), description !== "");
  show(part("room-limits"), limits !== "");
  show(part("room-state"), pinned + description + limits !== "");
}
