import type { RoomEvent } from "../../protocol/event.ts";
import { part, setText } from "./dom.ts";

/**
 * Returns a function that announces messages of others: read aloud, and counted in the title while
 * the page is not looked at.
 */
export function createNotices(): (messages: RoomEvent[]) => void {
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
  return (messages) => {
    let lines = "";
    for (let i = 0; i < messages.length; i++) {
      const { member, text = "" } = messages[i] as RoomEvent;
      lines += `${member.nickname}: ${text}\n`;
    }
    setText(part("announcer"), lines);
    if (isLookedAt) return;
    unread += messages.length;
    document.title = `(${unread}) ${title}`;
  };
}
