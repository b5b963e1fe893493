import { fill, type ScriptWords } from "../words.ts";
import { isNewestOnTop } from "./order.ts";
import { part } from "./part.ts";

/** The button with the number of new messages that are out of sight. */
export type NewerButton = {
  /** More have arrived at the newest end. */
  add(count: number): void;
  /** Leads back to the unread line, if it is out of sight. */
  offerUnread(count: number): void;
  /** The reader has scrolled. */
  scrolled(isAtNewest: boolean): void;
  hide(): void;
};

/** Brings the button to life. It leads to the unread line, or else to the newest message. */
export function createNewerButton(words: ScriptWords, toNewest: () => void): NewerButton {
  const box = part("scroll");
  const button = part("newer");
  let unseen = 0;
  let isOffered = false;
  button.addEventListener("click", () => toUnread() || toNewest());
  return {
    add: (count) => show(unseen + count),
    offerUnread(count) {
      if (unreadPx(box) >= 0) return;
      isOffered = true;
      show(count);
    },
    scrolled(isAtNewest) {
      if (isAtNewest !== isOffered) hide();
    },
    hide,
  };

  function show(count: number): void {
    unseen = count;
    button.textContent = fill(words.newMessages, { n: unseen });
    button.hidden = false;
  }

  function hide(): void {
    isOffered = false;
    unseen = 0;
    button.hidden = true;
  }

  /** Scrolls to the unread line, if it is ahead, or if that was offered. */
  function toUnread(): boolean {
    const px = unreadPx(box);
    if (px === 0 || (px < 0 && !isOffered)) return false;
    hide();
    const line = part("unread").getBoundingClientRect();
    const seen = box.getBoundingClientRect();
    box.scrollTop += isNewestOnTop() ? line.bottom - seen.bottom : line.top - seen.top;
    return true;
  }
}

/**
 * Returns how far the unread line is out of sight: more than 0 toward the newest line, less than 0
 * toward older ones.
 */
function unreadPx(box: HTMLElement): number {
  const line = document.getElementById("unread")?.getBoundingClientRect();
  if (line === undefined) return 0;
  const seen = box.getBoundingClientRect();
  const px = Math.max(0, line.bottom - seen.bottom) - Math.max(0, seen.top - line.top);
  return isNewestOnTop() ? -px : px;
}
