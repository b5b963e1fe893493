import { createBackoff } from "../core/backoff.ts";
import { browser } from "./browser.ts";
import { type HistoryPage, readHistory } from "./history.ts";
import type { MessageList } from "./message-list.ts";
import { type Page, part } from "./page.ts";

/** What was said before: a page at a time by the button above the log, or all anew. */
export type Past = {
  /** The log cannot be continued: shows the newest page of it instead. */
  readAnew(): void;
};

/** Fills the list from the room's history. */
export function createPast(page: Page, list: MessageList): Past {
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
      const backoff = createBackoff(browser);
      list.clear();
      const read = () => {
        readHistory(page.address.base, page.room, undefined).then(show, () => browser.later(backoff.next(), read));
      };
      read();
    },
  };
}
