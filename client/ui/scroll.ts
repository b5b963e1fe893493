import type { Scroll } from "../face.ts";
import { fill, type ScriptWords } from "../words.ts";
import { part } from "./part.ts";

const NEAR_PX = 60;

/**
 * Watches the log's box. The style sheet lays it out from the bottom up, so that its `scrollTop` is
 * 0 at the newest line.
 */
export function watchScroll(words: ScriptWords): Scroll {
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
