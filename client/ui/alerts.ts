import type { RoomEvent } from "../../protocol/event.ts";
import { isHidden } from "../hidden.ts";
import type { Page } from "../page.ts";
import { createAlertTurn } from "./alert-turn.ts";
import { optional } from "./browser.ts";
import type { AlertChoice, ChoiceStore } from "./choices.ts";
import { type Bell, createBell } from "./sound.ts";

// One notification stands for a burst, except that a mention is always shown.
const APART_MS = 3_000;
const LONGEST_TEXT = 140;

/** Sounds and desktop notifications, as the reader has chosen them. */
export type Alerts = {
  /** Another person's message has just arrived. */
  alert(event: RoomEvent, isMention: boolean): void;
  /** Closes the notification of a text that was edited or erased, or of a name that was erased. */
  withdraw(change: RoomEvent): void;
  bell: Bell;
  close(): void;
};

/** Creates the alerts of a room. */
export function createAlerts(page: Page, choices: ChoiceStore): Alerts {
  const turn = createAlertTurn(page);
  const bell = createBell();
  const poster = createPoster(page);
  unlockByPress(bell, choices);
  return {
    bell,
    close: turn.leave,
    withdraw: poster.withdraw,
    alert(event, isMention) {
      const { sound, notify } = choices.read();
      const isWanted = (choice: AlertChoice) => choice === "all" || (choice === "mentions" && isMention);
      if ((!isWanted(sound) && !isWanted(notify)) || !turn.isMine(event.seq)) return;
      if (isWanted(sound)) bell.ring(isMention);
      if (isWanted(notify) && !turn.isLookedAt()) poster.post(event, { isMention, isSilent: sound !== "off" });
    },
  };
}

/** The first press on the page allows its sounds, until it is left. */
function unlockByPress(bell: Bell, choices: ChoiceStore): void {
  const unlock = () => {
    if (choices.read().sound === "off") return;
    document.removeEventListener("pointerdown", unlock);
    document.removeEventListener("keydown", unlock);
    bell.unlock();
  };
  document.addEventListener("pointerdown", unlock);
  document.addEventListener("keydown", unlock);
}

type Poster = {
  post(event: RoomEvent, how: { isMention: boolean; isSilent: boolean }): void;
  withdraw(change: RoomEvent): void;
};

/** Creates what posts notifications. Each replaces the one before it, and counts. */
function createPoster(page: Page): Poster {
  let posted: Notification | undefined;
  let shown: RoomEvent | undefined;
  let postedAt = 0;
  let count = 0;
  const clear = () => {
    if (isHidden()) return;
    count = 0;
    postedAt = 0;
    posted?.close();
  };
  document.addEventListener("visibilitychange", clear);
  window.addEventListener("focus", clear);
  window.addEventListener("pagehide", () => posted?.close());
  return {
    withdraw({ kind, member, target }: RoomEvent & { target?: number }) {
      if (kind === "unname" ? member.id === shown?.member.id : target && target === shown?.seq) posted?.close();
    },
    post(event, { isMention, isSilent }) {
      const { member, text = "" } = event;
      const title = document.querySelector(".bar-title")?.textContent || document.title;
      count++;
      const now = Date.now();
      if (!isMention && Math.abs(now - postedAt) < APART_MS) return;
      postedAt = now;
      shown = event;
      // [Chrome on Android] It throws, because it shows notifications of service workers only.
      posted = optional(
        () =>
          new Notification(count > 1 ? `(${count}) ${title}` : title, {
            body: `${member.nickname}: ${text.slice(0, LONGEST_TEXT)}`,
            tag: `chattera:${page.address.base}:${page.room}`,
            silent: isSilent,
            ...(iconUrl() && { icon: iconUrl() }),
            ...({ renotify: isMention } as object),
          }),
      );
      if (posted) posted.onclick = open;
    },
  };

  function open(this: Notification): void {
    window.focus();
    this.close();
  }
}

function iconUrl(): string {
  return document.querySelector<HTMLLinkElement>("link[rel=icon]")?.href || "";
}
