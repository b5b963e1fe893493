import type { RoomEvent } from "../../protocol/event.ts";
import { isSaid } from "../../protocol/line.ts";
import { isHidden } from "../hidden.ts";
import type { Page } from "../page.ts";
import { isAfter, readOn, readUpTo } from "../whispers.ts";
import { lasting } from "./browser.ts";
import { browserStore, roomKey } from "./browser-store.ts";
import { part } from "./part.ts";
import type { Row } from "./rows.ts";
import type { UnreadScroll } from "./scroll.ts";

const SAVES_APART_MS = 1_000;

/** The line in the log above what the reader has not seen. */
export type UnreadLine = {
  /** Events are going to be shown, oldest first. */
  arrived(events: RoomEvent[], isAtNewest: boolean): void;
  /** The reader has sent a message, and so has read. */
  answered(): void;
  /**
   * Places the line in the log, if it has to be elsewhere. `isTurned`: the newest line is on top.
   */
  place(rows: Row[], isTurned: boolean): void;
  /** Rows were dropped, or older ones were added: the line may have to be elsewhere. */
  moved(): void;
  /** Leads the reader to the line if it is out of sight. */
  offer(): void;
};

type Reading = {
  element: HTMLElement;
  /** The line that was taken away last. It may still be in the log. */
  leaving?: HTMLElement;
  meId(): string;
  /** How far the reader has seen the log, see readUpTo(). */
  seen: number;
  /** The line is above the first message of another person after this position. */
  from: number | undefined;
  isPlaced: boolean;
  rows: Row[];
};

/**
 * Creates the line of a room. Where the reader left off is kept in the browser, for all its tabs.
 */
export function createUnreadLine(page: Page, scroll: UnreadScroll): UnreadLine {
  let last = readUpTo(Math.max(0, page.lastSeq), page.lastWhisper);
  const key = roomKey("read", page);
  const store = browserStore(key);
  const box = part("scroll");
  const left = Number(store.load() || last);
  const reading: Reading = {
    element: createLine(page.words.unread),
    meId: () => page.me.id,
    seen: left,
    from: left < last ? left : undefined,
    isPlaced: left >= last,
    rows: [],
  };
  let savedAt = 0;

  const offer = () => {
    const isNew = isUnread(reading);
    if (reading.from !== undefined) scroll.offerUnread(reading.rows.filter(isNew).length);
  };
  const save = () => {
    // The document may show another room by now.
    if (!box.isConnected) return;
    savedAt = Date.now();
    store.save(String(reading.seen));
  };
  const see = (isUrgent: boolean) => {
    if (isHidden() || !scroll.isAtNewest() || (reading.seen === last && !isUrgent)) return;
    // Less than before if the log was replaced.
    reading.seen = last;
    if (isUrgent || Math.abs(Date.now() - savedAt) >= SAVES_APART_MS) save();
  };
  const turn = () => {
    if (!isHidden()) {
      offer();
      return see(true);
    }
    // The event of the last scroll may be still to come.
    if (scroll.isAtNewest()) reading.seen = last;
    save();
  };
  // Another tab has shown the rest.
  const follow = ({ key: of, newValue }: StorageEvent) => {
    if (of === key && newValue) reading.seen = Math.max(reading.seen, Number(newValue));
  };
  document.addEventListener("visibilitychange", turn, lasting());
  window.addEventListener("pagehide", save, lasting());
  window.addEventListener("storage", follow, lasting());
  box.addEventListener("scroll", () => see(false), { passive: true });
  see(true);

  return {
    arrived(events, isAtNewest) {
      last = events.reduce(readOn, last);
      const { seen, from } = reading;
      const isSeen = isAtNewest && !isHidden();
      if (isSeen && events.some(({ kind, member }) => kind === "message" && member.id === page.me.id)) answered();
      else if (!isSeen && (from === undefined || from < seen)) {
        takeAway(reading, scroll);
        reading.from = seen;
        reading.isPlaced = false;
      }
      if (isSeen) see(false);
    },
    answered,
    place(rows, isTurned) {
      reading.rows = rows;
      place(reading, isTurned);
    },
    moved() {
      reading.isPlaced = false;
    },
    offer,
  };

  function answered(): void {
    takeAway(reading, scroll);
    reading.from = undefined;
  }
}

/** Takes the line out of the log. Before that is done, another one may appear elsewhere. */
function takeAway(reading: Reading, scroll: UnreadScroll): void {
  const { element } = reading;
  if (!element.isConnected) return;
  const words = element.textContent || "";
  // A hidden page has no frames. Only the first line that it takes away may have been in sight.
  if (reading.leaving?.isConnected) element.remove();
  else {
    reading.leaving = element;
    element.firstElementChild?.removeAttribute("id");
    scroll.alone(() => element.remove());
  }
  reading.element = createLine(words);
}

function createLine(words: string): HTMLElement {
  const element = document.createElement("li");
  element.className = "unread";
  // An item of a list cannot be a separator itself.
  const separator = document.createElement("span");
  separator.id = "unread";
  separator.setAttribute("role", "separator");
  // A separator's content is not read aloud, but its name is.
  separator.setAttribute("aria-label", words);
  separator.textContent = words;
  element.append(separator);
  return element;
}

/** Returns the test whether a row shows another person's message below the line. */
function isUnread({ from = 0, meId }: Reading): (row: Row) => boolean {
  return ({ seq, kind, memberId, line: { classList, dataset } }) =>
    isAfter(from, seq, Number(dataset.whisper || 0)) &&
    isSaid(kind) &&
    memberId !== meId() &&
    !classList.contains("ignored");
}

function place(reading: Reading, isTurned: boolean): void {
  const { element, rows } = reading;
  if (reading.isPlaced || reading.from === undefined) return;
  const first = rows.find(isUnread(reading));
  if (first === undefined) {
    element.remove();
    // All were comings and goings, or are hidden. The next message may be seen at once.
    if (rows.length > 0) reading.from = undefined;
    return;
  }
  reading.isPlaced = true;
  const below = isTurned ? element.previousElementSibling : element.nextElementSibling;
  if (below === first.line) return;
  if (isTurned) first.line.after(element);
  else first.line.before(element);
}
