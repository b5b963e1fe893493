import type { Member, RoomEvent } from "../../protocol/event.ts";
import type { Access } from "../core/base/access.ts";
import { type History, type HistoryPage, hasOlder, readAgain, readOlder } from "../core/history.ts";
import type { MessageList, Scroll } from "../face.ts";
import type { Page } from "../page.ts";
import { oldestWhisper, withWhispers } from "../whispers.ts";
import { optional } from "./browser.ts";
import { part } from "./part.ts";

// The newest messages must not drop the lines that are being read, see message-list.ts.
const MOST_AUTOMATIC = 4_500;

/** The parts of the page that show what was read of the past. */
export type PastViews = {
  list: MessageList;
  scroll: Scroll;
  /** Shows these people as the ones in the room. */
  showMembers(members: Member[]): void;
  /** Some of these events may be new. */
  noteNew(events: RoomEvent[]): void;
};

/**
 * Shows one more page of older messages when the reader comes near the top of the log, or presses
 * the button there. Returns a function that shows the newest page instead, for when the log cannot
 * be continued.
 */
export function createPast(page: Page, access: Access, views: PastViews): () => void {
  const { room, words, hasOlder: isCut } = page;
  const { list, scroll, showMembers, noteNew } = views;
  const button = part<HTMLButtonElement>("older");
  const label = button.textContent;
  const history: History = { access, room, readings: 0 };
  let isReading = false;
  const items = part("log").getElementsByTagName("li");
  const approach = (entries: IntersectionObserverEntry[]) => {
    // A reader who has chosen a number of lines asks for more by the button.
    if (items.length < (page.lines || MOST_AUTOMATIC) && entries.some((entry) => entry.isIntersecting)) read();
  };
  const bounds = { root: part("scroll"), rootMargin: "400px 0px" };
  const near = optional(() => new IntersectionObserver(approach, bounds));
  button.hidden = !isCut;
  button.addEventListener("click", read);
  near?.observe(button);
  return () => {
    list.clear();
    readAgain(history, showPage, ({ members }) => showMembers(members));
  };

  function read(): void {
    if (isReading) return;
    mark(true);
    const whispers = oldestWhisper(page.places);
    readOlder(history, { before: list.oldestSeq(), whispers }, (older) => {
      if (older) showPage(older);
      else {
        mark(false);
        button.textContent = words.olderFailed;
      }
    });
  }

  function showPage(older: HistoryPage): void {
    const events = withWhispers(page.places, older);
    // The lines must not move by the height of the button either.
    scroll.keep(() => {
      list.addOlder({ ...older, events });
      button.textContent = label;
      button.hidden = !hasOlder(older);
    }, true);
    noteNew(events);
    mark(false);
    // If the button is still near, the observer reports it again.
    near?.unobserve(button);
    near?.observe(button);
  }

  // A button that is disabled would lose the focus.
  function mark(isUnderWay: boolean): void {
    isReading = isUnderWay;
    button.setAttribute("aria-disabled", String(isUnderWay));
  }
}
