import type { Member } from "../../protocol/event.ts";
import type { Access } from "../core/base/access.ts";
import { type History, type HistoryPage, hasOlder, readAgain, readOlder } from "../core/history.ts";
import type { MessageList } from "../face.ts";
import type { Page } from "../page.ts";
import { onClick, part, setText, show } from "./dom.ts";

/**
 * Lets the button above the log show one more page of older messages. Returns a function that shows
 * the newest page instead, for when the log cannot be continued. `showMembers` then gets the people
 * in the room.
 */
export function createPast(
  { room, words, hasOlder: isCut }: Page,
  { access, list }: { access: Access; list: MessageList },
  showMembers: (members: Member[]) => void,
): () => void {
  const button = part("older");
  const label = button.innerHTML;
  const history: History = { access, room, readings: 0 };
  show(button, isCut);
  onClick(button, () => {
    button.disabled = true;
    readOlder(history, list.oldestSeq(), (older) => {
      button.disabled = false;
      if (older === undefined) setText(button, words.olderFailed);
      else showPage(older);
    });
  });
  return () => {
    list.clear();
    readAgain(history, showPage, ({ members }) => showMembers(members));
  };

  function showPage(older: HistoryPage): void {
    list.addOlder(older);
    button.disabled = false;
    button.innerHTML = label;
    show(button, hasOlder(older));
  }
}
