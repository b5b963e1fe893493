import type { Member, RoomEdit, RoomErase, RoomEvent, SkippedRun } from "../../protocol/event.ts";
import { hasLine } from "../../protocol/line.ts";
import { mentions } from "../../protocol/mention.ts";
import type { Conversation } from "../core/conversation.ts";
import type { HistoryPage } from "../core/history.ts";
import type { UnsentMessage } from "../core/sending/outbox.ts";
import type { MessageList, Scroll } from "../face.ts";
import { gapChange } from "../gaps.ts";
import { ignores } from "../ignored.ts";
import type { Page } from "../page.ts";
import { forgetWhisper, mark, whisperSeq } from "../whispers.ts";
import { equipLine, memberOf, type OldActs } from "./acts.ts";
import { arrange, type OldLog, removeRows } from "./arrange.ts";
import type { Attention } from "./attention.ts";
import { attr, clear, create, moveContent, part, remove, setText, show } from "./dom.ts";
import {
  addQuote,
  fillQuote,
  finish,
  inside,
  lineOf,
  lineOfEvent,
  lineOfGap,
  showChange,
  showUnname,
  textIn,
} from "./line.ts";
import { firstOfNewest, type OldRow, placeOf, rowOfEvent, rowOfGap, rowOfLine, rowOfSkipped } from "./rows.ts";
import { createUnreadLine, type OldUnreadLine } from "./unread-line.ts";
import { showUnsentState } from "./unsent-line.ts";

// Old machines are slow with long pages.
const MOST_LINES = 200;
// A reader of older lines should not lose them to newer ones.
const MOST_WHILE_READING = 1_000;
// Lines of a closed fold are not laid out, but take memory.
const MOST_FOLDED = 4;

type Lines = {
  acts: OldActs;
  page: Page;
  scroll: Scroll;
  conversation: Conversation;
  log: OldLog;
  unread: OldUnreadLine;
  /** The latest change of each message. Its line may be read later, from before the change. */
  changes: { [seq: number]: RoomEdit | RoomErase | undefined };
  /** The links to answered messages. */
  quotes: PageElement[];
  /** The lines of unsent messages, by client id. */
  unsent: { [id: string]: PageElement | undefined };
};

/**
 * Returns the list that the server has begun. A refused message can be resent to `conversation`.
 */
export function createMessageList(
  acts: OldActs,
  { scroll, attention }: { scroll: Scroll; attention: Attention },
  conversation: Conversation,
): MessageList {
  const { page } = acts;
  const log: OldLog = { element: part("log"), rows: [], words: page.words, isTurned: page.isTurned };
  const unread = createUnreadLine(page, attention);
  const lines: Lines = { acts, page, scroll, conversation, log, unread, changes: {}, quotes: [], unsent: {} };
  takeOver(lines);
  answerQuotes(lines);
  const ignore = () => {
    hideIgnored(lines, log.rows);
    answerQuotes(lines);
    unread.moved();
    unread.place(log);
  };
  page.ignored.listeners.push(() => scroll.keep(ignore, true));
  return {
    most: () => mostOf(lines),
    add: (events) => add(lines, events),
    addOlder({ events, skipped }) {
      unread.moved();
      scroll.keep(() => insert(lines, newOf(log, events), skipped), true);
    },
    addApart: (apart) => scroll.keep(() => addApart(lines, apart), true),
    clear: () => drop(lines, log.rows.length),
    oldestSeq: () => log.rows[0]?.seq,
    has: (id) => has(log, id),
    showUnsent(message) {
      // The receipt may be lost, but the log has the message.
      if (!has(log, message.id)) scroll.keep(() => showUnsent(lines, message));
    },
    settle(event) {
      unread.answered();
      scroll.keep(() => {
        removeUnsent(lines, event.id);
        insert(lines, newOf(log, [event]));
      });
    },
    removeUnsent: (id) => removeUnsent(lines, id),
  };
}

/** Takes over the lines that the server has rendered, in its own time zone. */
function takeOver(lines: Lines): void {
  const { log, page, unread, acts } = lines;
  const { element, rows, words } = log;
  const items = element.getElementsByTagName("li");
  const { places } = page;
  let day = "";
  for (let i = 0; i < items.length; i++) {
    const seq = Number(attr(items[i] as PageElement, "data-seq"));
    if (seq > 0) mark(places, { seq, at: attr(items[i] as PageElement, "data-at") });
  }
  for (let i = 0; i < items.length; i++) {
    const row = rowOfLine(items[i] as PageElement, { day, words, places });
    if (row === undefined) continue;
    day = row.day;
    finish(row.line);
    markMention(row.line, row.author, page.me);
    equipLine(row.line, acts);
    noteQuote(lines, row.line);
    // The newest line may come first.
    rows.splice(placeOf(rows, row.seq), 0, row);
  }
  const last = rows[rows.length - 1];
  if (last) last.last = Math.max(last.last, page.lastSeq);
  clear(element);
  arrange(log, 0, rows.length);
  hideIgnored(lines, rows);
  unread.place(log);
}

/** Hides the lines of people whom the reader ignores, which keep their place, and shows others. */
function hideIgnored({ page }: Lines, rows: OldRow[]): void {
  const { ignored, me } = page;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as OldRow;
    const { line, hidden } = row;
    const id = attr(line, "data-member-id");
    if (id === "" || id === me.id || (ignored.people.length === 0 && !hidden)) continue;
    const { trip } = memberOf(hidden || line);
    const is = ignores(ignored, trip === undefined ? { id } : { id, trip });
    if (is === (hidden !== undefined)) continue;
    if (hidden) reveal(row);
    else {
      row.hidden = create("div", "");
      moveContent(line, row.hidden);
      line.className += " ignored";
    }
  }
}

function reveal(row: OldRow): void {
  const { line, hidden } = row;
  if (hidden === undefined) return;
  moveContent(hidden, line);
  row.hidden = undefined;
  line.className = line.className.replace(/ ignored$/, "");
}

/** Marks a line if it mentions the reader. Own messages do not. */
function markMention(line: PageElement, author: string, me: Member): void {
  const isMarkable = !/ (mention|notice|whisper)( |$)/.test(line.className);
  if (isMarkable && author !== "" && author !== me.id && mentions(textIn(line), me.nickname))
    line.className += " mention";
}

function mostOf({ scroll, page }: Lines): number {
  return scroll.isAtNewest() ? page.lines || MOST_LINES : MOST_WHILE_READING;
}

/**
 * Shows events as one change. If they do not continue the log, only they are kept, because a gap in
 * the middle would never be filled again.
 */
function add(lines: Lines, events: RoomEvent[]): RoomEvent[] {
  const { scroll, log, unread } = lines;
  const { rows } = log;
  const added = newOf(log, events);
  if (added.length === 0) return added;
  unread.arrived(added, scroll.isAtNewest());
  const oldest = firstOfRoom(added);
  const start = oldest === undefined ? 0 : placeOf(rows, oldest.seq);
  const above = rows[start - 1];
  const isGap = oldest !== undefined && above !== undefined && above.last + 1 < oldest.seq;
  const most = mostOf(lines);
  const isFull = isGap || rows.length + added.length > most;
  scroll.keep(() => {
    if (isGap) drop(lines, start);
    insert(lines, added);
    if (isFull) trim(lines, most);
  }, isFull);
  return added;
}

/** A whisper is at its time among the others, and so it never begins a gap. */
function firstOfRoom(events: RoomEvent[]): RoomEvent | undefined {
  for (let i = 0; i < events.length; i++) if (whisperSeq(events[i] as RoomEvent) === undefined) return events[i];
  return undefined;
}

/** Returns the events that are not shown. */
function newOf({ rows }: OldLog, events: RoomEvent[]): RoomEvent[] {
  const found: RoomEvent[] = [];
  for (let i = 0; i < events.length; i++) {
    const event = events[i] as RoomEvent;
    const above = rows[placeOf(rows, event.seq) - 1];
    if (whisperSeq(event) !== undefined || above === undefined || above.last < event.seq) found.push(event);
  }
  return found;
}

/** Inserts what is not shown. The line of an unsent message gives way to its event's. */
function insert(lines: Lines, events: RoomEvent[], skipped: SkippedRun[] = []): void {
  const { log, page, acts, unread } = lines;
  const { rows, words } = log;
  const added: OldRow[] = [];
  let from = rows.length;
  let to = 0;
  const put = (row: OldRow, index: number) => {
    rows.splice(index, 0, row);
    from = Math.min(from, index);
    to = Math.max(to, index);
  };
  for (let i = 0; i < events.length; i++) {
    const event = events[i] as RoomEvent;
    const index = placeOf(rows, event.seq);
    const above = rows[index - 1];
    if (event.kind === "edit" || event.kind === "erase") noteChange(lines, event);
    if (event.kind === "unname") unname(lines, event.member);
    if (hasLine(event.kind)) {
      removeUnsent(lines, event.id);
      const row = rowOfEvent(event, lineFor(lines, event));
      // A whisper may follow events that have no line.
      if (above && event.kind === "whisper") row.last = Math.max(row.last, above.last);
      markMention(row.line, row.author, page.me);
      equipLine(row.line, acts);
      added.push(row);
      put(row, index);
    } else if (above && whisperSeq(event) === undefined) above.last = Math.max(above.last, event.seq);
  }
  for (let i = 0; i < skipped.length; i++) {
    const run = skipped[i] as SkippedRun;
    const index = placeOf(rows, run.first);
    const { day } = rows[index - 1] || (rows[index] as OldRow);
    put(rowOfSkipped(run, day, words), index);
  }
  hideIgnored(lines, added);
  if (from < rows.length) arrange(log, from, to + skipped.length);
  unread.place(log);
  answerQuotes(lines);
}

function lineFor(lines: Lines, event: RoomEvent): PageElement {
  const { page, changes } = lines;
  const line = lineOfEvent(event, page);
  if (event.kind === "message" && event.reply !== undefined) noteQuote(lines, line);
  const change = changes[event.seq];
  if (change) showChange(line, change, page.words);
  return line;
}

/** Changes the line of a message. */
function noteChange(lines: Lines, change: RoomEdit | RoomErase): void {
  const { log, changes, page } = lines;
  const { target, seq } = change;
  const known = changes[target];
  if (known && known.seq > seq) return;
  changes[target] = change;
  const row = log.rows[placeOf(log.rows, target) - 1];
  if (!row || row.seq !== target) return;
  reveal(row);
  showChange(row.line, change, page.words);
  hideIgnored(lines, [row]);
}

/** Shows a person under another name on all lines. */
function unname({ log: { rows } }: Lines, member: Member): void {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as OldRow;
    if (attr(row.line, "data-member-id") === member.id) showUnname(row.hidden || row.line, member);
  }
}

function noteQuote({ quotes }: Lines, line: PageElement): void {
  const quote = inside(line, "quote");
  if (quote) quotes.push(quote);
}

/** Shows the words of the messages that are answered, as far as they have lines. */
function answerQuotes({ log: { rows, words }, quotes }: Lines): void {
  for (let i = 0; i < quotes.length; i++) {
    const quote = quotes[i] as PageElement;
    const seq = Number(attr(quote, "data-reply"));
    const row = rows[placeOf(rows, seq) - 1];
    if (!row || row.seq !== seq) continue;
    if (row.hidden) setText(quote, words.quotedIgnored);
    else fillQuote(quote, row.line);
  }
}

/** Shows a page of history, closes the gaps that it fills, and marks the one that it leaves. */
function addApart(lines: Lines, apart: HistoryPage): void {
  const { log, unread } = lines;
  const { rows } = log;
  unread.moved();
  const { closed, opensAfter } = gapChange(rows, apart);
  for (let i = rows.length - 1; i >= 0; i--) {
    const row = rows[i] as OldRow;
    for (let j = 0; j < closed.length; j++) if (closed[j] === row) removeRows(rows.splice(i, 1));
  }
  const skipped: SkippedRun[] = [];
  const runs = apart.skipped || [];
  for (let i = 0; i < runs.length; i++) {
    const run = runs[i] as SkippedRun;
    const above = rows[placeOf(rows, run.last) - 1];
    if (above === undefined || above.last < run.first) skipped.push(run);
  }
  const added = newOf(log, apart.events);
  if (added.length > 0) insert(lines, added, skipped);
  if (opensAfter !== undefined) {
    const index = placeOf(rows, opensAfter + 1 / 2);
    const above = rows[index - 1];
    if (above) rows.splice(index, 0, rowOfGap(opensAfter, above.day, lineOfGap(opensAfter, log.words)));
  }
  arrange(log, 0, rows.length);
  unread.place(log);
}

// Removes lines from the top of the screen, because a gap in the middle would never be filled
// again.
function trim(lines: Lines, most: number): void {
  const { log, unread } = lines;
  const { rows } = log;
  const first = Math.max(firstOfNewest(rows, most), rows.length - most * MOST_FOLDED);
  if (first === 0) return;
  drop(lines, first);
  arrange(log, 0, 0);
  unread.place(log);
}

/** Drops that many of the oldest rows. */
function drop({ log, unread, page }: Lines, count: number): void {
  unread.moved();
  const dropped = log.rows.splice(0, count);
  for (let i = 0; i < dropped.length; i++) {
    const whisper = Number(attr((dropped[i] as OldRow).line, "data-whisper"));
    if (whisper > 0) forgetWhisper(page.places, whisper);
  }
  removeRows(dropped);
  // A gap with nothing above it says nothing.
  if (log.rows[0]?.isGap) removeRows(log.rows.splice(0, 1));
  show(part("older"), true);
}

function has({ rows }: OldLog, id: string): boolean {
  for (let i = 0; i < rows.length; i++) if ((rows[i] as OldRow).id === id) return true;
  return false;
}

function removeUnsent({ unsent }: Lines, id = ""): void {
  const line = unsent[id];
  if (line) remove(line);
  unsent[id] = undefined;
}

function showUnsent({ log, page, conversation, unsent }: Lines, message: UnsentMessage): void {
  const { id, text, reply } = message;
  let line = unsent[id];
  if (line === undefined) {
    line = unsent[id] = lineOf(page.me, text, "");
    if (reply !== undefined) addQuote(line, reply, page);
    log.element.insertBefore(line, log.isTurned ? log.element.firstChild : null);
    line.setAttribute("data-client-id", id);
    line.appendChild(create("span", "message-state"));
  }
  showUnsentState(line, message, { words: page.words, conversation });
}
