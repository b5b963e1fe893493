import { fill, type Words } from "../ui/words.ts";
import { onClick, part, setText, show } from "./dom.ts";

const NEAR_PX = 60;
const SMALLEST_PX = 160;
// Heights are rounded: without it the page would have a scroll bar of its own beside the log's.
const ROUNDING_PX = 4;

/** Where the reader looks in the log. */
export type Scroll = {
  /**
   * Changes the log, above what the reader sees or below: who reads the newest, which it says, stays there; who reads
   * older lines is not moved.
   */
  keep(isAbove: boolean, change: () => void): boolean;
  /** A new line came; whoever cannot see it is told how many there are. */
  arrived(): void;
  /** Shows the newest line, in the height that the rest of the page leaves just now. */
  toNewest(): void;
};

/** Watches the log's box. */
export function watchScroll(words: Words): Scroll {
  const box = part("scroll");
  const button = part("newer");
  let unseen = 0;

  const forget = () => {
    unseen = 0;
    show(button, false);
  };
  const scroll: Scroll = {
    keep(isAbove, change) {
      const { scrollHeight } = box;
      const stays = atNewest();
      change();
      if (isAbove) box.scrollTop += box.scrollHeight - scrollHeight;
      else if (stays) box.scrollTop = box.scrollHeight;
      return stays;
    },
    arrived() {
      if (atNewest()) return;
      unseen++;
      setText(button, fill(words.newMessages, { n: unseen }));
      show(button, true);
    },
    toNewest() {
      measure();
      box.scrollTop = box.scrollHeight;
      forget();
    },
  };
  forget();
  onClick(button, scroll.toNewest);
  box.onscroll = () => {
    if (atNewest()) forget();
  };
  window.onresize = measure;
  return scroll;

  function atNewest(): boolean {
    return box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
  }

  // [IE7] has no vh and no flex
  function measure(): void {
    const others = document.body.offsetHeight - box.offsetHeight + ROUNDING_PX;
    const left = Math.max(SMALLEST_PX, document.documentElement.clientHeight - others);
    scroll.keep(false, () => {
      box.style.height = `${left}px`;
    });
  }
}
