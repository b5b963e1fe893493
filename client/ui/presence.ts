import type { Member, RoomEvent } from "../../protocol/event.ts";
import { PATHS } from "../../protocol/paths.ts";
import { post } from "../transports/say.ts";
import type { Page } from "./page.ts";

/** Keeps who has entered in the room while the page lives. */
export type Presence = {
  /** An event of one's own was read in the log. */
  seen(event: RoomEvent): void;
  /** The members were read anew: one's own `leave` may be in the part of the log that was not. */
  listed(members: Member[]): void;
};

const KEY = "chattera:left:";

/**
 * A phone that slept is taken out of the room after a while. When the page, alive again, reads its own `leave` in the
 * log, it enters again without a word. Who left by the button, in this tab or another, is not brought back.
 */
export function createPresence(page: Page): Presence {
  let left = false;
  if (page.present) noteLeaving(page, false);
  for (const form of document.querySelectorAll("form.leave")) {
    form.addEventListener("submit", () => noteLeaving(page, true));
  }
  return {
    seen(event) {
      if (!page.present) return;
      left = event.kind === "leave";
      if (!left) return;
      // An `enter` may stand right behind it in what is just being read.
      setTimeout(() => {
        if (!left) return;
        left = false;
        comeBack(page);
      }, 500);
    },
    listed(members) {
      if (page.present && !members.some((member) => member.id === page.me.id)) comeBack(page);
    },
  };
}

function comeBack(page: Page): void {
  if (leftByHand(page)) location.reload();
  else post(page.address, PATHS.enter(page.room), {}).catch(waitForNext);
}

// The next remark enters the room as well; nothing is lost.
function waitForNext(): void {}

// Without a time: a tab that slept may read of the leaving hours later.
function noteLeaving(page: Page, leaves: boolean): void {
  try {
    if (leaves) localStorage.setItem(KEY + page.room, "by hand");
    else localStorage.removeItem(KEY + page.room);
  } catch {
    // [Safari, private] then another tab comes back, which its reader can leave as well
    return;
  }
}

function leftByHand(page: Page): boolean {
  try {
    return localStorage.getItem(KEY + page.room) !== null;
  } catch {
    return false;
  }
}
