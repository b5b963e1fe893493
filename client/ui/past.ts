import type { Member } from "../../protocol/event.ts";
import { createBackoff } from "../core/network/backoff.ts";
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
  const { base } = page.address;
  const button = part<HTMLButtonElement>("older");
  const label = button.textContent;
  /** Counts the beginnings: what was asked for before the last one belongs to another log. */
  let readings = 0;
  button.hidden = !page.hasOlder;

  button.addEventListener("click", () => {
    const mine = readings;
    button.disabled = true;
    readHistory(base, page.room, list.oldestSeq()).then(
      (older) => mine === readings && show(older),
      () => {
        if (mine !== readings) return;
        button.disabled = false;
        button.textContent = page.words.olderFailed;
      },
    );
  });

  function show({ events, hasOlder }: HistoryPage): void {
    list.addOlder(events);
    button.disabled = false;
    button.textContent = label;
    button.hidden = !hasOlder;
  }

  function untilRead<News>(read: () => Promise<News>, give: (news: News) => void): void {
    const mine = readings;
    const backoff = createBackoff(browser);
    const again = () => {
      if (mine !== readings) return;
      read().then(
        (news) => mine === readings && give(news),
        () => browser.later(backoff.next(), again),
      );
    };
    again();
  }

  return {
    readAnew() {
      readings++;
      list.clear();
      untilRead(() => readHistory(base, page.room, undefined), show);
      untilRead(() => readMembers(base, page.room), showMembers);
    },
  };
}
