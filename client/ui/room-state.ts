import { roomLimits } from "../../protocol/room-limits.ts";
import type { RoomSignal } from "../../protocol/room-settings.ts";
import { isHidden } from "../hidden.ts";
import type { Page } from "../page.ts";
import { linkedText } from "./line.ts";
import { part } from "./part.ts";
import type { UnreadScroll } from "./scroll.ts";
import { retitle } from "./title.ts";

/**
 * Returns the function that shows what the room says about itself: title, announcement, description
 * and limits.
 */
export function createRoomState({ words }: Page, scroll: UnreadScroll): (room: RoomSignal) => void {
  const state = part("room-state");
  // When it appears in a row of its own, it moves the box of the log.
  if (state.hidden) part("scroll").prepend(state);
  // The title of a hidden page may be in sight.
  return (room) => (isHidden() ? scroll.keep(() => show(room), true) : scroll.alone(() => show(room)));

  function show(room: RoomSignal): void {
    const { title, pinned, description } = room;
    const limits = roomLimits(room, words.limits);
    const heading = document.querySelector(".bar-title") as HTMLElement;
    retitle(heading.textContent || "", title);
    heading.textContent = title;
    part("pinned-text").replaceChildren(...linkedText(pinned));
    part("room-description").replaceChildren(...linkedText(description));
    part("room-limits").textContent = limits;
    part("pinned").hidden = pinned === "";
    part("room-description").hidden = description === "";
    part("room-limits").hidden = limits === "";
    state.hidden = pinned + description + limits === "" && !document.getElementById("renewed");
  }
}
