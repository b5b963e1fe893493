import type { RoomEvent } from "../../protocol/event.ts";
import { SAME_SPEAKER_MS } from "../../protocol/line.ts";
import type { Conversation, ConversationSession } from "../core/conversation.ts";
import type { UnsentMessage } from "../core/sending/outbox.ts";
import type { MessageList, Scroll } from "../face.ts";
import type { Page } from "../page.ts";
import { lineOf, lineOfEvent, settleLine } from "./line.ts";
import { part } from "./part.ts";
import { showUnsentState } from "./unsent-line.ts";

const MOST_LINES = 500;
// A reader of older lines should not lose them to newer ones.
const MOST_WHILE_READING = 5_000;

type Lines = {
  page: Page;
  scroll: Scroll;
  conversation: Conversation<ConversationSession>;
  log: HTMLElement;
  /** The lines of the log, by seq. */
  shown: Map<number, HTMLElement>;
  /** The lines of unsent messages, by client id. */
  unsent: Map<string, HTMLElement>;
};

/**
 * Returns the list that the server has begun. A refused message can be resent to `conversation`.
 */
export function createMessageList(
  page: Page,
  scroll: Scroll,
  conversation: Conversation<ConversationSession>,
): MessageList {
  const log = part("log");
  const lines: Lines = { page, scroll, conversation, log, shown: new Map(), unsent: new Map() };
  const { shown, unsent } = lines;
  for (const folded of log.querySelectorAll(".folded")) folded.replaceWith(...folded.querySelectorAll("[data-seq]"));
  for (const day of log.querySelectorAll(".day")) day.remove();
  for (const line of log.querySelectorAll<HTMLElement>("[data-seq]")) shown.set(Number(line.dataset.seq), line);
  return {
    add(event) {
      if (shown.has(event.seq)) return false;
      const isAtNewest = scroll.keep(() => showEvent(lines, event));
      trim(lines, isAtNewest ? MOST_LINES : MOST_WHILE_READING);
      return true;
    },
    addOlder(events) {
      for (const event of events) if (!shown.has(event.seq)) showEvent(lines, event);
    },
    clear() {
      for (const line of shown.values()) line.remove();
      shown.clear();
    },
    oldestSeq: () => (shown.size === 0 ? undefined : Math.min(...shown.keys())),
    has: (id) => has(lines, id),
    showUnsent: (message) => showUnsent(lines, message),
    settle: (event) => settle(lines, event),
    removeUnsent(id) {
      const line = unsent.get(id);
      if (line) remove(line);
      unsent.delete(id);
    },
  };
}

function has({ log }: Lines, id: string): boolean {
  return log.querySelector(`[data-seq][data-client-id="${CSS.escape(id)}"]`) !== null;
}

/** Shows an event in its place. The line of an unsent message becomes the event's. */
function showEvent(lines: Lines, event: RoomEvent): void {
  const own = event.id === undefined ? undefined : lines.unsent.get(event.id);
  if (own) settleUnsent(lines, own, event);
  else insert(lines, lineOfEvent(event, lines.page.words), event.seq);
}

function showUnsent(lines: Lines, message: UnsentMessage): void {
  const { page, scroll, conversation, log, unsent } = lines;
  const { id, text } = message;
  let line = unsent.get(id);
  if (line === undefined) {
    // The receipt was lost, but the log has the message.
    if (has(lines, id)) return;
    const created = lineOf(page.me, text);
    line = created;
    line.classList.add("message", "pending");
    line.dataset.clientId = id;
    unsent.set(id, line);
    scroll.keep(() => log.append(created));
    markFollowing(line);
  }
  showUnsentState(line, message, { words: page.words, conversation });
}

function settle(lines: Lines, event: RoomEvent): void {
  const { scroll, shown, unsent } = lines;
  const line = event.id === undefined ? undefined : unsent.get(event.id);
  if (line === undefined) return;
  if (shown.has(event.seq)) remove(line);
  else scroll.keep(() => settleUnsent(lines, line, event));
  unsent.delete(event.id as string);
}

function settleUnsent(lines: Lines, line: HTMLElement, event: RoomEvent): void {
  lines.unsent.delete(event.id as string);
  line.classList.remove("pending", "refused", "kept");
  line.querySelector(".message-state")?.remove();
  settleLine(line, event);
  line.remove();
  insert(lines, line, event.seq);
}

// Searches from the end, since a new line is nearly always the last one.
function insert({ log, shown }: Lines, line: HTMLElement, seq: number): void {
  let above = log.lastElementChild as HTMLElement | null;
  while (above !== null && (above.dataset.seq === undefined || Number(above.dataset.seq) > seq)) {
    above = above.previousElementSibling as HTMLElement | null;
  }
  if (above === null) log.prepend(line);
  else above.after(line);
  shown.set(seq, line);
  markFollowing(line);
  if (line.nextElementSibling) markFollowing(line.nextElementSibling as HTMLElement);
}

// Removes lines from the top of the screen, because a gap in the middle would never be filled
// again.
function trim({ log, shown }: Lines, most: number): void {
  while (shown.size > most) {
    const top = log.firstElementChild as HTMLElement;
    shown.delete(Number(top.dataset.seq));
    remove(top);
    part("older").hidden = false;
  }
}

function remove(line: HTMLElement): void {
  const below = line.nextElementSibling as HTMLElement | null;
  line.remove();
  if (below) markFollowing(below);
}

/**
 * Hides the name of an author who continues within five minutes from the eye, as
 * server/pages/message-line.ts does.
 */
function markFollowing(line: HTMLElement): void {
  const above = line.previousElementSibling as HTMLElement | null;
  const spoke = above?.classList.contains("message") && line.classList.contains("message");
  const same = above?.dataset.memberId === line.dataset.memberId;
  const near = momentOf(line) - momentOf(above) < SAME_SPEAKER_MS;
  line.classList.toggle("follows", spoke === true && same && near);
}

function momentOf(line: HTMLElement | null): number {
  return line?.dataset.at === undefined ? Date.now() : Date.parse(line.dataset.at);
}
