import type { RoomEvent } from "../../protocol/event.ts";
import { part, setText } from "./dom.ts";

/** Tells of what somebody else says just now: aloud, and in the title while nobody looks. */
export function createNotices(): (event: RoomEvent) => void {
  const { title } = document;
  let isLookedAt = true;
  let unread = 0;

  // [IE9] does not say whether a page is hidden
  window.onblur = () => {
    isLookedAt = false;
  };
  window.onfocus = () => {
    isLookedAt = true;
    unread = 0;
    document.title = title;
  };
  return ({ member, text = "" }) => {
    setText(part("spoken"), `${member.nickname}: ${text}`);
    if (isLookedAt) return;
    unread++;
    document.title = `(${unread}) ${title}`;
  };
}
