import type { Member, RoomEvent } from "../../protocol/event.ts";
import { HISTORY_EVENTS } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { createNonce } from "../core/base/environment.ts";
import { createBackoff } from "../core/network/backoff.ts";
import { readOurs } from "../core/reading/poll.ts";
import { param } from "../core/reading/url.ts";
import { browser, http } from "./browser.ts";
import { onClick, part, setText, show } from "./dom.ts";
import type { Log } from "./message-list.ts";
import type { Page } from "./page.ts";

const TIMEOUT_MS = 15_000;

/**
 * What was said before: a page at a time by the button above the log. Gives what shows the newest page of it instead,
 * where the log cannot be continued; `showMembers` is given who is here then.
 */
export function createPast(page: Page, log: Log, showMembers: (members: Member[]) => void): () => void {
  const button = part("older");
  const label = button.innerHTML;
  /** Counts the beginnings: what was asked for before the last one belongs to another log. */
  let readings = 0;
  show(button, page.hasOlder);
  onClick(button, () => {
    const mine = readings;
    button.disabled = true;
    readHistory((older) => {
      if (mine !== readings) return;
      button.disabled = false;
      if (older === undefined) setText(button, page.words.olderFailed);
      else showPage(older);
    });
  });

  return () => {
    readings++;
    log.clear();
    untilRead(readHistory, showPage);
    untilRead(
      (done: (state: { members: Member[] } | undefined) => void) => read(PATHS.roomState(page.room), done),
      ({ members }) => showMembers(members),
    );
  };

  function readHistory(done: (past: Past | undefined) => void): void {
    const oldest = log.oldestSeq();
    const before = oldest === undefined ? "" : param("before", String(oldest));
    read(PATHS.messages(page.room) + param("limit", String(HISTORY_EVENTS)) + before, done);
  }

  function read<Kind extends object>(path: string, done: (found: Kind | undefined) => void): void {
    const nonce = createNonce(browser);
    const url = page.address.base + path + param("n", nonce);
    http.ask({ method: "GET", url, timeoutMs: TIMEOUT_MS }, ({ status, text }) => {
      done(status === 200 ? (readOurs(http, text, nonce) as Kind | undefined) : undefined);
    });
  }

  function untilRead<Kind>(ask: (done: (found: Kind | undefined) => void) => void, give: (found: Kind) => void): void {
    const mine = readings;
    const backoff = createBackoff(browser);
    const again = () => {
      if (mine !== readings) return;
      ask((found) => {
        if (found === undefined) browser.later(backoff.next(), again);
        else if (mine === readings) give(found);
      });
    };
    again();
  }

  function showPage({ events, oldest }: Past): void {
    log.add(events, true);
    button.innerHTML = label;
    show(button, events[0] !== undefined && events[0].seq > oldest);
  }
}

type Past = { events: RoomEvent[]; oldest: number };
