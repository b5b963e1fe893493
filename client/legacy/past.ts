import type { Member, RoomEvent } from "../../protocol/event.ts";
import type { Access } from "../core/base/access.ts";
import { type History, type HistoryPage, hasOlder, readAgain, readOlder } from "../core/history.ts";
import type { MessageList, Scroll } from "../face.ts";
import type { Page } from "../page.ts";
import { oldestWhisper, withWhispers } from "../whispers.ts";
import { onClick, part, setText, show } from "./dom.ts";

const NEAR_TOP_PX = 200;
// The newest messages must not drop the lines that are being read, see message-list.ts.
const MOST_AUTOMATIC = 900;

/** The parts of the page that show what was read of the past. */
type PastViews = {
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
  const { room, words, hasOlder: isCut, isTurned } = page;
  const { list, scroll, showMembers, noteNew } = views;
  const button = part("older");
  const box = part("scroll");
  const items = part("log").childNodes;
  const scrolled = box.onscroll;
  const label = button.innerHTML;
  const history: History = { access, room, readings: 0 };
  let isBusy = false;
  // After a failure, only the button tries again.
  let isFailing = false;
  show(button, isCut);
  onClick(button, read);
  box.onscroll = () => {
    if (scrolled) scrolled();
    const px = isTurned ? box.scrollHeight - box.scrollTop - box.clientHeight : box.scrollTop;
    const isNear = px < NEAR_TOP_PX && items.length < (page.lines || MOST_AUTOMATIC);
    if (isNear && !isFailing && button.style.display === "") read();
  };
  return () => {
    list.clear();
    readAgain(history, showPage, ({ members }) => showMembers(members));
  };

  function read(): void {
    if (isBusy) return;
    isBusy = true;
    const whispers = oldestWhisper(page.places);
    readOlder(history, { before: list.oldestSeq(), whispers }, (older) => {
      isBusy = false;
      isFailing = older === undefined;
      if (older === undefined) setText(button, words.olderFailed);
      else showPage(older);
    });
  }

  function showPage(older: HistoryPage): void {
    isBusy = false;
    const events = withWhispers(page.places, older);
    // The lines must not move by the height of the button either.
    scroll.keep(() => {
      list.addOlder({ ...older, events });
      button.innerHTML = label;
      const isLast = !hasOlder(older);
      // The keyboard's focus must not be lost with the button.
      if (isLast && document.activeElement === button) box.focus();
      show(button, !isLast);
    }, true);
    noteNew(events);
  }
}
