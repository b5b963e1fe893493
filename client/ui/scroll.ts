import { part } from "./page.ts";
import { fill, type Words } from "./words.ts";

const NEAR_PX = 60;

/** Where the reader looks in the log. */
export type Scroll = {
  /**
   * Changes the log below what the reader sees: who reads the newest, which it says, stays there; who reads older lines is
   * not moved.
   */
  keep(change: () => void): boolean;
  /** A new line came; whoever cannot see it is told how many there are. */
  arrived(): void;
  toNewest(): void;
};

/** Watches the log's box, which the style sheet lays out from the bottom up: its `scrollTop` is 0 at the newest line. */
export function watchScroll(words: Words): Scroll {
  const box = part("scroll");
  const button = part("newer");
  let unseen = 0;

  const atNewest = () => box.scrollTop > -NEAR_PX;
  const scroll: Scroll = {
    keep(change) {
      const { scrollTop, scrollHeight } = box;
      const stays = atNewest();
      change();
      box.scrollTop = stays ? 0 : scrollTop - (box.scrollHeight - scrollHeight);
      return stays;
    },
    arrived() {
      if (atNewest()) return;
      unseen++;
      button.textContent = fill(words.newMessages, { n: unseen });
      button.hidden = false;
    },
    toNewest() {
      box.scrollTop = 0;
      forget();
    },
  };
  const forget = () => {
    unseen = 0;
    button.hidden = true;
  };
  box.addEventListener("scroll", () => atNewest() && forget(), { passive: true });
  button.addEventListener("click", scroll.toNewest);
  return scroll;
}
