import { roomLimits } from "../../protocol/room-limits.ts";
import type { RoomSignal } from "../../protocol/room-settings.ts";
import type { Page } from "../page.ts";
import { linkedText } from "./line.ts";
import { part } from "./part.ts";

/**
 * Returns the function that shows what the room says about itself: title, announcement, description
 * and limits.
 */
export function createRoomState({ words }: Page): (room: RoomSignal) => void {
  return (room) => {
    const { title, pinned, description } = room;
    const limits = roomLimits(room, words.limits);
    const heading = document.querySelector(".bar-title") as HTMLElement;
    document.title = document.title.replace(heading.textContent || "", () => title);
    heading.textContent = title;
    part("pinned-text").replaceChildren(...linkedText(pinned));
    part("room-description").replaceChildren(...linkedText(description));
    part("room-limits").textContent = limits;
    part("pinned").hidden = pinned === "";
    part("room-description").hidden = description === "";
    part("room-limits").hidden = limits === "";
    part("room-state").hidden = pinned + description + limits === "";
  };
}
