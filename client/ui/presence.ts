import type { RoomEvent } from "../../protocol/event.ts";
import { PATHS } from "../../protocol/paths.ts";
import { post } from "../transports/say.ts";
import type { Page } from "./page.ts";

/** Keeps who has entered in the room while the page lives. */
export type Presence = { seen(event: RoomEvent): void };

const KEY = "chattera:left:";
const BY_HAND_MS = 15_000;

/**
 * A phone that slept is taken out of the room after a while. When the page, alive again, reads its own `leave` in the
 * log, it enters again without a word. Who left by the button, in this tab or another, is not brought back.
 */
export function createPresence(page: Page): Presence {
  let left = false;
  for (const form of document.querySelectorAll("form.leave")) form.addEventListener("submit", () => noteLeaving(page));
  return {
    seen(event) {
      if (!page.present) return;
      left = event.kind === "leave";
      if (!left) return;
      // An `enter` may stand right behind it in what is just being read.
      setTimeout(() => {
        if (!left) return;
        left = false;
        if (leftByHand(page)) location.reload();
        else post(page.address, PATHS.enter(page.room), {}).catch(waitForNext);
      }, 500);
    },
  };
}

// The next remark enters the room as well; nothing is lost.
function waitForNext(): void {}

function noteLeaving(page: Page): void {
  try {
    localStorage.setItem(KEY + page.room, String(Date.now()));
  } catch {
    // [Safari, private] then another tab comes back, which its reader can leave as well
    return;
  }
}

function leftByHand(page: Page): boolean {
  try {
    return Date.now() - Number(localStorage.getItem(KEY + page.room)) < BY_HAND_MS;
  } catch {
    return false;
  }
}
