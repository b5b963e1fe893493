import type { RoomEvent } from "../../protocol/event.ts";
import { environment } from "../environment.ts";
import type { Page } from "../page.ts";
import { fill } from "../words.ts";
import { create, part, remove } from "./dom.ts";

// More messages at once are counted, because nobody can listen to them all.
const MOST_READ_ALOUD = 5;
// A screen reader reads a change aloud some time after it was made.
const ANNOUNCED_MS = 10_000;

type OldNotices = {
  /** Some of these events may be known. */
  noteNew(events: RoomEvent[]): void;
  /** Others have just sent these messages. */
  announce(messages: RoomEvent[]): void;
};

/**
 * Creates the notices: what others have said since the page was last looked at is counted in the
 * title, and what they have just said is read aloud.
 */
export function createNotices(page: Page): OldNotices {
  const { title } = document;
  let counted = page.lastSeq;
  let unread = 0;
  let isLookedAt = true;

  // [IE9] It does not know whether a page is hidden.
  window.onblur = () => {
    isLookedAt = false;
  };
  window.onfocus = () => {
    isLookedAt = true;
    unread = 0;
    document.title = title;
  };
  return {
    noteNew(events) {
      for (let i = 0; i < events.length; i++) {
        const { seq, kind, member } = events[i] as RoomEvent;
        if (seq <= counted) continue;
        counted = seq;
        if (kind === "message" && member.id !== page.me.id && !isLookedAt) unread++;
      }
      if (unread > 0) document.title = `(${unread}) ${title}`;
    },
    announce(messages) {
      const { length } = messages;
      if (length > MOST_READ_ALOUD) readAloud(fill(page.words.announced, { n: length }));
      for (let i = 0; i < length && length <= MOST_READ_ALOUD; i++) {
        const { member, text = "" } = messages[i] as RoomEvent;
        readAloud(`${member.nickname}: ${text}`);
      }
    },
  };
}

// One element for each, because a screen reader would miss what is replaced before it was read.
function readAloud(text: string): void {
  const element = part("announcer").appendChild(create("p", "", text));
  environment.later(ANNOUNCED_MS, () => remove(element));
}
