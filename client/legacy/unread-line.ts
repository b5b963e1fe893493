import type { RoomEvent } from "../../protocol/event.ts";
import type { Page } from "../page.ts";
import { isAfter, readOn, readUpTo } from "../whispers.ts";
import type { OldLog } from "./arrange.ts";
import type { Attention } from "./attention.ts";
import { attr, create, remove } from "./dom.ts";
import type { OldRow } from "./rows.ts";
import { createStore } from "./store.ts";

/** The line in the log above what the reader has not seen. */
export type OldUnreadLine = {
  /** Events are going to be shown, oldest first. */
  arrived(events: RoomEvent[], isAtNewest: boolean): void;
  /** The reader has sent a message, and so has read. */
  answered(): void;
  /** Places the line in the log, if it has to be elsewhere. */
  place(log: OldLog): void;
  /** Rows were dropped, or older ones were added: the line may have to be elsewhere. */
  moved(): void;
};

/** Creates the line of a room. Where the reader left off is kept in the browser. */
export function createUnreadLine(page: Page, attention: Attention): OldUnreadLine {
  const { words } = page;
  const store = createStore("localStorage");
  const name = `read_${page.room}`;
  const stored = store.load(name);
  const element = create("li", "unread");
  // An item of a list cannot be a separator itself.
  const separator = element.appendChild(create("span", "", words.unread));
  // Positions, see readUpTo().
  let last = readUpTo(Math.max(0, page.lastSeq), page.lastWhisper);
  let seen = typeof stored === "number" ? stored : last;
  // The line is above the first message of another person after this one, -1 if there is none.
  let from = seen < last ? seen : -1;
  let isPlaced = from === -1;
  let wasAtNewest = true;
  separator.id = "unread";
  separator.setAttribute("role", "separator");
  separator.setAttribute("aria-label", words.unread);

  function see(): void {
    if (!attention.isHere() || !wasAtNewest || (seen === last && stored !== undefined)) return;
    seen = last;
    store.save(name, seen);
  }

  function answered(): void {
    remove(element);
    from = -1;
    isPlaced = true;
  }

  attention.onChange(see);
  see();
  return {
    arrived(events, isAtNewest) {
      wasAtNewest = isAtNewest;
      const isSeen = isAtNewest && attention.isHere();
      for (let i = 0; i < events.length; i++) {
        const event = events[i] as RoomEvent;
        last = readOn(last, event);
        if (isSeen && event.kind === "message" && event.member.id === page.me.id) answered();
      }
      if (!isSeen && from < seen) {
        remove(element);
        from = seen;
        isPlaced = false;
      }
      see();
    },
    answered,
    place({ rows, isTurned }) {
      if (isPlaced) return;
      remove(element);
      for (let i = 0; i < rows.length && !isPlaced; i++) {
        const { seq, author, line, hidden } = rows[i] as OldRow;
        isPlaced =
          author !== "" && author !== page.me.id && !hidden && isAfter(from, seq, Number(attr(line, "data-whisper")));
        if (isPlaced) line.parentNode?.insertBefore(element, isTurned ? line.nextSibling : line);
      }
      // All were comings and goings, or are hidden. The next message may be seen at once.
      if (!isPlaced && rows.length > 0) answered();
    },
    moved() {
      isPlaced = from === -1;
    },
  };
}
