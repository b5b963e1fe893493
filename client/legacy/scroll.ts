import type { Scroll } from "../face.ts";
import { fill, type ScriptWords } from "../words.ts";
import { onClick, part, setText, show } from "./dom.ts";

const NEAR_PX = 60;
const SMALLEST_PX = 160;
// Heights are rounded. Without this, the page would have a scroll bar next to the log's.
const ROUNDING_PX = 4;

/** Watches the log's box. */
export function watchScroll(words: ScriptWords): Scroll {
  const box = part("scroll");
  const button = part("newer");
  let unseen = 0;

  const forget = () => {
    unseen = 0;
    show(button, false);
  };
  const scroll: Scroll = {
    isAtNewest: atNewest,
    keep(change, isAbove) {
      const { scrollHeight } = box;
      const stays = atNewest();
      change();
      if (isAbove) box.scrollTop += box.scrollHeight - scrollHeight;
      else if (stays) box.scrollTop = box.scrollHeight;
    },
    arrived(count) {
      if (atNewest()) return;
      unseen += count;
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

  // [IE7] It has neither vh nor flex.
  function measure(): void {
    const others = document.body.offsetHeight - box.offsetHeight + ROUNDING_PX;
    const left = Math.max(SMALLEST_PX, document.documentElement.clientHeight - others);
    scroll.keep(() => {
      box.style.height = `${left}px`;
    });
  }
}
