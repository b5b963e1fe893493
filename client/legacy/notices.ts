import type { RoomEvent } from "../../protocol/event.ts";
import { part, setText } from "./dom.ts";

/**
 * Returns a function that announces a message of somebody else: read aloud, and counted in the
 * title while the page is not looked at.
 */
export function createNotices(): (event: RoomEvent) => void {
  const { title } = document;
  let isLookedAt = true;
  let unread = 0;

  // [IE9] It does not know whether a page is hidden.
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
