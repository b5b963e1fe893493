import type { Member } from "../../protocol/event.ts";
import { createBackoff } from "../core/backoff.ts";
import { browser } from "./browser.ts";
import { type HistoryPage, readHistory, readMembers } from "./history.ts";
import type { MessageList } from "./message-list.ts";
import { type Page, part } from "./page.ts";

/** What was said before: a page at a time by the button above the log, or all anew. */
export type Past = {
  /** The log cannot be continued: shows the newest page of it instead, and who is here now. */
  readAnew(): void;
};

/** Fills the list from the room's history; `showMembers` is given who is in the room when all is read anew. */
export function createPast(page: Page, list: MessageList, showMembers: (members: Member[]) => void): Past {
  const button = part<HTMLButtonElement>("older");
  const label = button.textContent;
  button.hidden = !page.hasOlder;

  button.addEventListener("click", () => {
    button.disabled = true;
    readHistory(page.address.base, page.room, list.oldestSeq()).then(show, () => {
      button.disabled = false;
      button.textContent = page.words.olderFailed;
    });
  });

  function show({ events, hasOlder }: HistoryPage): void {
    list.addOlder(events);
    button.disabled = false;
    button.textContent = label;
    button.hidden = !hasOlder;
  }

  return {
    readAnew() {
      const { base } = page.address;
      list.clear();
      untilRead(() => readHistory(base, page.room, undefined), show);
      untilRead(() => readMembers(base, page.room), showMembers);
    },
  };
}

function untilRead<News>(read: () => Promise<News>, show: (news: News) => void): void {
  const backoff = createBackoff(browser);
  const again = () => {
    read().then(show, () => browser.later(backoff.next(), again));
  };
  again();
}
