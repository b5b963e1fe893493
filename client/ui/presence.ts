import type { Member, RoomEvent } from "../../protocol/event.ts";
import { PEOPLE_SHOWN } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { Sender } from "../core/sending/send.ts";
import { browserStore } from "./browser-store.ts";
import { forgetSession } from "./kept-session.ts";
import type { Page } from "./page.ts";

/** Keeps who has entered in the room while the page lives. */
export type Presence = {
  /** An event of one's own was read in the log. */
  seen(event: RoomEvent): void;
  /** The members were read anew: one's own `leave` may be in the part of the log that was not. */
  listed(members: Member[]): void;
};

/**
 * A phone that slept is taken out of the room after a while. When the page, alive again, reads its own `leave` in the
 * log, it enters again without a word. Who left by the button, in this tab or another, is not brought back.
 */
export function createPresence(page: Page, sender: Sender): Presence {
  // Without a time: a tab that slept may read of the leaving hours later.
  const leftByHand = browserStore(`chattera:left:${page.room}`);
  // Not one that was fetched since, because a message went by GET: the cookie arrives by then.
  const isKept = page.address.token !== undefined;
  let left = false;
  let isLeaving = false;
  if (page.present) leftByHand.save("");
  for (const form of document.querySelectorAll<HTMLFormElement>("form.leave")) {
    form.addEventListener("submit", (event) => {
      isLeaving = true;
      leftByHand.save("by hand");
      if (isKept) leave(event);
    });
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
        comeBack();
      }, 500);
    },
    listed(members) {
      // A cut list does not show everybody, so only a whole one can lack the reader.
      const isWhole = members.length < PEOPLE_SHOWN;
      if (page.present && isWhole && !members.some((member) => member.id === page.me.id)) comeBack();
    },
  };

  function comeBack(): void {
    // A reload would break off the form that is on its way.
    if (isLeaving) return;
    if (leftByHand.load() !== "") location.reload();
    else sender.act(PATHS.enter(page.room), waitForNext);
  }

  // The form would not say who leaves: its cookie does not arrive.
  function leave(event: Event): void {
    event.preventDefault();
    sender.act(PATHS.leave(page.room), () => {
      forgetSession(page.address.base, page.room);
      location.assign(page.address.base + PATHS.lobby);
    });
  }
}

// The next message enters the room as well; nothing is lost.
function waitForNext(): void {}
