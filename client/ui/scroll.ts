import type { Scroll } from "../face.ts";
import type { ScriptWords } from "../words.ts";
import { optional } from "./browser.ts";
import { createNewerButton } from "./newer-button.ts";
import { isNewestOnTop } from "./order.ts";
import { part } from "./part.ts";

const NEAR_PX = 60;
const FEW_PX = 8;
// Farther than any log is long: the browser ends at the newest line, and nothing is measured.
const END_PX = 2 ** 24;
// Browsers know lengths up to 2^24 px. Of some ten thousand new lines, one shifts the layout.
const MOST_MOVED_PX = 2 ** 20;
// A message that is in the log stays outside of folds.
const MESSAGES = ".message:not(.pending)";

/** The part of the log that the reader sees, and what is new outside of it. */
export type UnreadScroll = Scroll & {
  /**
   * Changes something above the newest line, in a frame in which nothing else changes. Lines that
   * move up by less than the box is scrolled, or by more, count as shifted in Chromium. A hidden
   * page has no frames until it is seen.
   */
  alone(change: () => void): void;
  /** Shows how many messages are new if the line above them is out of sight. */
  offerUnread(count: number): void;
};

/** A line, and how far below the upper edge of the box it begins. */
type Edge = { line: Element; px: number };

/**
 * Watches the log's box. Until now the style sheet laid it out from the bottom up, so that the
 * newest line was in sight from the start. From now on it is an ordinary box: in the other kind,
 * each new line moves all others.
 */
export function watchScroll(words: ScriptWords): UnreadScroll {
  const box = part("scroll");
  const log = part("log");
  // Not measured again before each change, since that would cost a layout.
  let isAtNewest = true;
  let endPx = 0;
  let edge: Edge | undefined;
  const places = createPlaces(box, log);
  const alone = createFrames((change) => scroll.keep(change, true));
  const scroll: UnreadScroll = {
    isAtNewest() {
      // The reader may have scrolled a moment ago, and the event is still to come.
      if (isAtNewest && (isNewestOnTop() ? box.scrollTop > 0 : box.scrollTop < endPx)) look();
      return isAtNewest;
    },
    keep(change, isAbove) {
      alone.noteChange();
      const moves = isAbove || isNewestOnTop();
      if (!scroll.isAtNewest() && moves) edge = findEdge(box, log);
      if (isNewestOnTop()) places.keep(change);
      else change();
      if (isAtNewest) toEnd();
      else if (moves) restore();
    },
    alone: alone.run,
    arrived(count) {
      if (!isAtNewest) button.add(count);
    },
    offerUnread(count) {
      if (isAtNewest) button.offerUnread(count);
    },
    toNewest() {
      isAtNewest = true;
      toEnd();
      button.hide();
    },
  };
  const button = createNewerButton(words, scroll.toNewest);
  box.classList.add("scripted");
  toEnd();
  box.addEventListener("scroll", look, { passive: true });
  // A fold has been opened or closed.
  box.addEventListener("toggle", look, true);
  // The window was turned or made narrower, or a keyboard has appeared.
  optional(() => new ResizeObserver(() => (scroll.isAtNewest() ? toEnd() : restore())).observe(box));
  return scroll;

  function look(): void {
    const fromNewestPx = isNewestOnTop() ? box.scrollTop : box.scrollHeight - box.scrollTop - box.clientHeight;
    isAtNewest = fromNewestPx < NEAR_PX;
    if (!isAtNewest) edge = findEdge(box, log);
    button.scrolled(isAtNewest);
  }

  function toEnd(): void {
    box.scrollTop = isNewestOnTop() ? 0 : END_PX;
    endPx = box.scrollTop;
    lower();
  }

  /**
   * Moves a few lines to the lower edge. A margin above them would change with each new line, which
   * browsers count as a shift of the layout.
   */
  function lower(): void {
    const isTurned = isNewestOnTop();
    places.hold(isTurned);
    if (isTurned) return;
    const isFull = endPx > 0;
    const px = isFull ? 0 : box.clientHeight - (log.offsetTop - box.offsetTop) - log.offsetHeight;
    // When it is full, it stays 0 px, since Chromium does not account for one that goes away.
    const transform = `translateY(${Math.max(0, px)}px)`;
    if (transform !== log.style.transform) log.style.transform = transform;
  }

  /** Moves the line that was at the edge back there. */
  function restore(): void {
    if (edge === undefined || !edge.line.isConnected) return;
    const moved = edge.line.getBoundingClientRect().top - box.getBoundingClientRect().top - edge.px;
    if (Math.abs(moved) >= 1) box.scrollTop += moved;
  }
}

/** The places of lines in the layout while the newest line is on top. */
type Places = {
  /** Makes a change that moves lines down, or up. */
  keep(change: () => void): void;
  /** Keeps the places, or no longer. */
  hold(is: boolean): void;
};

/**
 * Creates places that stay the same: new lines on top move the others down by a transform, and so
 * browsers count no shift of the layout.
 */
function createPlaces(box: HTMLElement, log: HTMLElement): Places {
  let movedPx = 0;
  return {
    keep(change) {
      const messages = log.querySelectorAll(MESSAGES);
      const newest = placeOf(messages[0]);
      const oldest = placeOf(messages[messages.length - 1]);
      change();
      // The oldest may be dropped.
      const before = oldest?.line.isConnected ? oldest : newest;
      const after = placeOf(before?.line);
      if (before?.line.isConnected && after) move((movedPx + after.px - before.px) % MOST_MOVED_PX);
    },
    hold(is) {
      if (is || movedPx !== 0) move(is ? movedPx : 0);
    },
  };

  function placeOf(line: Element | undefined): Edge | undefined {
    return line && { line, px: line.getBoundingClientRect().top + box.scrollTop };
  }

  function move(px: number): void {
    movedPx = px;
    log.style.marginTop = `${-px}px`;
    for (let next: Element | null = log; next !== null; next = next.nextElementSibling)
      (next as HTMLElement).style.transform = `translateY(${px}px)`;
  }
}

/** Frames of the screen in which one change is made alone. */
type LoneFrames = {
  run(change: () => void): void;
  /** Something else has changed. */
  noteChange(): void;
};

/** Creates frames for changes that `make` makes. */
function createFrames(make: (change: () => void) => void): LoneFrames {
  let waiting: (() => void)[] = [];
  let isChanged = false;
  return {
    run(change) {
      if (waiting.push(change) === 1) requestAnimationFrame(next);
    },
    noteChange() {
      isChanged = true;
    },
  };

  // Before each frame is painted, until one comes in which nothing has changed.
  function next(): void {
    const changes = isChanged ? [] : waiting;
    if (isChanged) requestAnimationFrame(next);
    else waiting = [];
    for (const change of changes) make(change);
    isChanged = false;
  }
}

/** Returns the first line of which more than a few pixels are in sight. */
function findEdge(box: Element, log: Element): Edge | undefined {
  const { top } = box.getBoundingClientRect();
  const lines = log.children;
  let low = 0;
  let high = lines.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle] as Element).getBoundingClientRect().bottom > top + FEW_PX) high = middle;
    else low = middle + 1;
  }
  let line = lines[low] ?? null;
  // The name of a day and a fold give way when older lines are added.
  while (line?.nextElementSibling && !line.matches(".message")) line = line.nextElementSibling;
  return line === null ? undefined : { line, px: line.getBoundingClientRect().top - top };
}
