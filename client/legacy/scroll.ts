import type { Scroll } from "../face.ts";
import { fill, type ScriptWords } from "../words.ts";
import { byId, onClick, part, setText, show } from "./dom.ts";

const NEAR_PX = 60;
const SMALLEST_PX = 160;
// Heights are rounded. Without this, the page would have a scroll bar next to the log's.
const ROUNDING_PX = 4;

/** A line, and how far below the upper edge of the box it begins. */
type Edge = { line: PageElement; px: number };

/** Watches the log's box. `isTurned`: the newest line is on top. */
export function watchScroll(words: ScriptWords, isTurned: boolean): Scroll {
  const box = part("scroll");
  const lines = part("log").childNodes;
  const button = part("newer");
  let unseen = 0;
  // The first line in sight, unless the reader is at the newest one.
  let edge: Edge | undefined;

  const scroll: Scroll = {
    isAtNewest,
    keep(change, isAbove) {
      look();
      change();
      if (edge === undefined || isAbove || isTurned) restore();
    },
    arrived(count) {
      if (edge === undefined) return;
      unseen += count;
      setText(button, fill(words.newMessages, { n: unseen }));
      show(button, true);
    },
    toNewest() {
      edge = undefined;
      measure();
      forget();
    },
  };
  show(button, false);
  onClick(button, () => toUnread() || scroll.toNewest());
  box.onscroll = look;
  window.onresize = measure;
  return scroll;

  function isAtNewest(): boolean {
    return (isTurned ? box.scrollTop : box.scrollHeight - box.scrollTop - box.clientHeight) < NEAR_PX;
  }

  /** Scrolls to the unread line, if the reader has it still to come. */
  function toUnread(): boolean {
    const line = byId("unread")?.getBoundingClientRect();
    const seen = box.getBoundingClientRect();
    if (line === undefined || (isTurned ? line.bottom > seen.top : line.top < seen.bottom)) return false;
    box.scrollTop += isTurned ? line.bottom - seen.bottom : line.top - seen.top;
    return true;
  }

  function look(): void {
    edge = isAtNewest() ? undefined : findEdge();
    if (edge === undefined) forget();
  }

  function forget(): void {
    if (unseen > 0) show(button, false);
    unseen = 0;
  }

  // By halves, since each question costs time.
  function findEdge(): Edge | undefined {
    const { top } = box.getBoundingClientRect();
    let low = 0;
    let high = lines.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((lines[middle] as PageElement).getBoundingClientRect().bottom > top) high = middle;
      else low = middle + 1;
    }
    // The name of a day gives way when older lines of that day are added.
    const line = lines[low]?.className === "day" ? lines[low + 1] : lines[low];
    return line && { line, px: line.getBoundingClientRect().top - top };
  }

  /** Moves the line that was at the edge back there, or shows the newest one. */
  function restore(): void {
    if (edge === undefined) box.scrollTop = isTurned ? 0 : box.scrollHeight;
    else if (edge.line.parentNode !== null)
      box.scrollTop += edge.line.getBoundingClientRect().top - box.getBoundingClientRect().top - edge.px;
  }

  // [IE7] It has neither vh nor flex.
  function measure(): void {
    const others = document.body.offsetHeight - box.offsetHeight + ROUNDING_PX;
    const left = Math.max(SMALLEST_PX, document.documentElement.clientHeight - others);
    box.style.height = `${left}px`;
    restore();
  }
}
