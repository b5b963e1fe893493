import type { Page } from "../page.ts";
import { openOwnRooms } from "./own-rooms.ts";
import { part } from "./part.ts";
import { openShare } from "./share.ts";

/** Brings the room's menu, its addresses and the words of an empty room to life. */
export function openRoomMenu(page: Page): void {
  for (const box of document.querySelectorAll(".share")) openShare(box);
  const menu = document.getElementById("room-menu") as HTMLDetailsElement | null;
  if (menu !== null) {
    openOwnRooms(page, menu);
    closeByItself(menu);
  }
  const empty = document.getElementById("empty-room");
  if (empty !== null) leaveWithFirstMessage(empty, part("log"));
}

// A menu closes with Escape, and when one goes on somewhere else.
function closeByItself(menu: HTMLDetailsElement): void {
  menu.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
  document.addEventListener("pointerdown", ({ target }) => {
    if (!menu.contains(target as Node)) menu.open = false;
  });
}

function leaveWithFirstMessage(empty: HTMLElement, log: HTMLElement): void {
  const watch = new MutationObserver(() => {
    if (log.querySelector(".message, .whisper, .notice, .pending") === null) return;
    watch.disconnect();
    empty.remove();
  });
  watch.observe(log, { childList: true, subtree: true });
}
