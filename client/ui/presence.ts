import type { Member, RoomEvent } from "../../protocol/event.ts";
import { PEOPLE_SHOWN } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { act, type Sender } from "../core/sending/send.ts";
import type { Page } from "../page.ts";
import { lasting, optional } from "./browser.ts";
import { browserStore, roomKey } from "./browser-store.ts";
import { forgetSession, outlivesPage } from "./kept-session.ts";

/** Keeps a member who has entered in the room while the page is open. */
export type OwnPresence = {
  /** An own event was read in the log. */
  seen(event: RoomEvent): void;
  /** The members were read again: the own `leave` may be in the part of the log that was not. */
  listed(members: Member[]): void;
};

/**
 * Enters again when the page, awake again, reads its own `leave` in the log: the server removes a
 * phone that sleeps from the room after a while. A member who left by the button, in this tab or
 * another, is not brought back.
 */
export function createPresence(page: Page, sender: Sender): OwnPresence {
  // Stored without a time, because a tab that slept may read the leave hours later.
  const leftByHand = browserStore(roomKey("left", page));
  // Decided now, because a token that is fetched later for a GET does not mean that the cookie is
  // lost.
  const isKept = page.address.token !== undefined;
  let hasLeft = false;
  let isLeaving = false;
  if (page.present) leftByHand.save("");
  for (const form of document.querySelectorAll<HTMLFormElement>("form.leave")) {
    form.addEventListener("submit", (event) => {
      isLeaving = true;
      leftByHand.save("by hand");
      if (isKept) leave(event);
    });
  }
  if (isKept && !outlivesPage(page.address.base)) window.addEventListener("pagehide", leaveWithPage, lasting());
  return {
    seen(event) {
      if (!page.present) return;
      hasLeft = event.kind === "leave";
      if (!hasLeft) return;
      // The next event that is being read may be an `enter`.
      setTimeout(() => {
        if (!hasLeft) return;
        hasLeft = false;
        comeBack();
      }, 500);
    },
    listed(members) {
      // A list that is cut does not show everybody.
      const isWhole = members.length < PEOPLE_SHOWN;
      if (page.present && isWhole && !members.some((member) => member.id === page.me.id)) comeBack();
    },
  };

  function comeBack(): void {
    // A reload would cancel the form that is being submitted.
    if (isLeaving) return;
    if (leftByHand.load() !== "") location.reload();
    // If this fails, the next message enters the room as well.
    else act(sender, PATHS.enter(page.room), () => {});
  }

  // Nobody could come back as this member, whose nickname would stay taken for a while.
  function leaveWithPage(): void {
    const { base, token } = page.address;
    if (token === undefined) return;
    optional(() => navigator.sendBeacon(base + PATHS.leave(page.room), new URLSearchParams({ token })));
  }

  // The form itself could not say who leaves, because its cookie does not arrive.
  function leave(event: Event): void {
    event.preventDefault();
    act(sender, PATHS.leave(page.room), () => {
      forgetSession(page.address.base, page.room);
      location.assign(page.address.base + PATHS.lobby);
    });
  }
}
