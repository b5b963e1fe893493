import type { Member, RoomEdit, RoomErase, RoomEvent, SkippedRun } from "../../protocol/event.ts";
import { folds } from "../../protocol/fold.ts";
import { hasLine, SAME_SPEAKER_MS } from "../../protocol/line.ts";
import { mentions } from "../../protocol/mention.ts";
import type { Conversation, ConversationSession } from "../core/conversation.ts";
import type { HistoryPage } from "../core/history.ts";
import type { UnsentMessage } from "../core/sending/outbox.ts";
import type { MessageList } from "../face.ts";
import { gapChange } from "../gaps.ts";
import { isHidden } from "../hidden.ts";
import type { Page } from "../page.ts";
import { forgetWhisper, mark, whisperSeq } from "../whispers.ts";
import { arrange, type Log, removeRows, turn } from "./arrange.ts";
import { foldAround, lineOfSkipped, skippedBy } from "./fold.ts";
import { lineOfGap } from "./gap.ts";
import { fillQuote, inside, lineOf, lineOfEvent, settleLine, showChange, showUnname } from "./line.ts";
import { equipLine, hideIgnored } from "./line-tools.ts";
import { dayOf, onNewDay, showLocalTime } from "./local-time.ts";
import { isNewestOnTop } from "./order.ts";
import { part } from "./part.ts";
import { firstOfNewest, lastOf, type Row, rowOfEvent, rowOfGap, rowOfLine, rowOfSkipped } from "./rows.ts";
import type { UnreadScroll } from "./scroll.ts";
import { createUnreadLine, type UnreadLine } from "./unread-line.ts";
import { showUnsentState } from "./unsent-line.ts";

const MOST_LINES = 500;
// A reader of older lines should not lose them to newer ones.
const MOST_WHILE_READING = 5_000;
// Lines of a closed fold are not laid out, but take memory.
const MOST_FOLDED = 4;
// Of more lines than this above the most, the oldest are dropped in the same change.
const MOST_SPARE = 50;

/** The log of a page for browsers with modules. */
export type TurningList = MessageList & {
  /** Turns the log over: the newest line is on top, or at the bottom. */
  turn(): void;
  /** Drops what is more than the reader wants to see. */
  fit(): void;
};

type Lines = {
  page: Page;
  scroll: UnreadScroll;
  conversation: Conversation<ConversationSession>;
  log: Log;
  unread: UnreadLine;
  /** The seqs of all rows, and of events that have no line. */
  shown: Set<number>;
  /** The latest change of each message. Its line may be read later, from before the change. */
  changes: Map<number, RoomEdit | RoomErase>;
  /** Links to answered messages that have no line yet. */
  quotes: Set<HTMLElement>;
  /** The lines of unsent messages, by client id. */
  unsent: Map<string, HTMLElement>;
  /** Whether the oldest lines are going to be dropped. */
  isFitting: boolean;
};

/**
 * Returns the list that the server has begun. A refused message can be resent to `conversation`.
 */
export function createMessageList(
  page: Page,
  scroll: UnreadScroll,
  conversation: Conversation<ConversationSession>,
): TurningList {
  const log: Log = { element: part("log"), rows: [], words: page.words, isTurned: isNewestOnTop() };
  const unread = createUnreadLine(page, scroll);
  const known = { shown: new Set([page.lastSeq]), changes: new Map(), quotes: new Set<HTMLElement>() };
  const lines: Lines = { page, scroll, conversation, log, unread, ...known, unsent: new Map(), isFitting: false };
  const { unsent } = lines;
  takeOver(lines);
  onNewDay(log.element, () => scroll.keep(() => redate(log), true));
  page.ignored.listeners.push(() => scroll.keep(() => hideAndShow(lines), true));
  return {
    most: () => mostOf(lines),
    add: (events) => add(lines, events),
    addOlder: (older) => addOlder(lines, older),
    addApart: (apart) => addApart(lines, apart),
    clear: () => drop(lines, log.rows.length),
    oldestSeq: () => log.rows[0]?.seq,
    has: (id) => has(lines, id),
    showUnsent: (message) => showUnsent(lines, message),
    settle: (event) => settle(lines, event),
    fit: () => fitNow(lines),
    turn() {
      turn(log);
      scroll.toNewest();
    },
    removeUnsent(id) {
      const line = unsent.get(id);
      unsent.delete(id);
      line?.remove();
      markUnsent(lines);
    },
  };
}

/** Takes over the lines that the server has rendered, in its own time zone. */
function takeOver({ log, shown, quotes, unread, page }: Lines): void {
  let dayMark: HTMLElement | undefined;
  let gap: HTMLElement | undefined;
  const leftOut: HTMLElement[] = [];
  const { places } = page;
  for (const { dataset } of log.element.querySelectorAll<HTMLElement>("[data-seq]"))
    mark(places, { seq: Number(dataset.seq), at: dataset.at || "" });
  const parts = ".day, .skipped, .gap, [data-seq], [data-whisper]";
  for (const element of log.element.querySelectorAll<HTMLElement>(parts)) {
    if (element.className === "day") {
      if (log.isTurned) element.remove();
      else dayMark = element;
    } else if (element.className === "skipped") leftOut.push(element);
    else if (element.className === "gap") gap = element;
    else {
      const row = rowOfLine(element, places);
      log.rows.push(row);
      shown.add(row.seq);
      row.dayMark = dayMark;
      row.fold = foldAround(element);
      dayMark = undefined;
      // The menu of a line copies its link. 50 links more would be in the keyboard's way.
      element.querySelector<HTMLElement>(".at")?.setAttribute("tabindex", "-1");
    }
  }
  log.rows.sort((one, other) => one.seq - other.seq);
  if (gap) putGap(log, gap);
  for (const line of leftOut) leaveOut(log, skippedBy(line), line);
  // The server may not have known the reader.
  for (const { kind, memberId, line } of log.rows) if (kind === "message") markMentions(line, memberId, page.me);
  for (const quote of log.element.querySelectorAll<HTMLElement>(".quote"))
    if (quote.childElementCount === 0) quotes.add(quote);
  redate(log);
  for (const { line } of log.rows) equipLine(line, page);
  unread.place(log.rows, log.isTurned);
  unread.offer();
}

/** Hides the lines of the people whom the reader has begun to ignore, and shows the others. */
function hideAndShow(lines: Lines): void {
  const { log, page, unread } = lines;
  for (const { line } of log.rows) hideIgnored(line, page);
  for (const quote of log.element.querySelectorAll<HTMLElement>(".quote")) answer(lines, quote);
  unread.moved();
  unread.place(log.rows, log.isTurned);
}

function mostOf({ page, scroll }: Lines): number {
  return scroll.isAtNewest() ? page.lines || MOST_LINES : MOST_WHILE_READING;
}

/** Shows times and days where the reader is now. */
function redate(log: Log): void {
  for (const row of log.rows) {
    row.day = dayOf(row.at);
    if (row.skipped) continue;
    const time = row.line.querySelector("time");
    if (time) showLocalTime(time, time.dateTime);
  }
  arrange(log, 0, log.rows.length - 1);
}

/**
 * Shows events as one change. Of events that do not continue the log, and of too many, only the
 * newest are kept, because a gap in the middle would never be filled again.
 */
function add(lines: Lines, events: RoomEvent[]): RoomEvent[] {
  const { scroll, log, shown, unread } = lines;
  const { rows } = log;
  const added = events.filter(({ seq }) => !shown.has(seq));
  if (added.length === 0) return added;
  unread.arrived(added, scroll.isAtNewest());
  const most = mostOf(lines);
  // A whisper is at its time among the others, and so it never begins a gap.
  const oldest = added.find((event) => whisperSeq(event) === undefined);
  const start = oldest ? placeOf(rows, oldest.seq) : 0;
  const continued = rows[start - 1];
  const isGap =
    oldest !== undefined && continued !== undefined && lastOf(continued) + 1 < oldest.seq && !shown.has(oldest.seq - 1);
  const isFull = isGap || rows.length + added.length > most + MOST_SPARE;
  const isAbove = isFull || added.some(({ kind }) => kind === "edit" || kind === "erase" || kind === "unname");
  scroll.keep(() => {
    if (isGap) dropOldest(lines, start);
    insert(lines, added);
    if (isFull) trim(lines, most);
  }, isAbove);
  if (rows.length > most) fitSoon(lines);
  return added;
}

/** Drops what is more than the reader wants: at once if hidden, else in a frame of its own. */
function fitSoon(lines: Lines): void {
  if (isHidden()) fitNow(lines);
  else if (!lines.isFitting) fitInFrame(lines);
}

function fitInFrame(lines: Lines): void {
  lines.isFitting = true;
  lines.scroll.alone(() => {
    lines.isFitting = false;
    trim(lines, mostOf(lines));
  });
}

function fitNow(lines: Lines): void {
  lines.scroll.keep(() => trim(lines, mostOf(lines)), true);
}

function addOlder(lines: Lines, { events, skipped = [] }: HistoryPage): void {
  const { scroll, log, shown, page, unread } = lines;
  const added = events.filter(({ seq }) => !shown.has(seq));
  if (added.length === 0) return;
  unread.moved();
  scroll.keep(() => {
    insert(lines, added);
    for (const one of skipped) leaveOut(log, one, lineOfSkipped(one, page.words));
  }, true);
}

/** Shows a page of history, closes the gaps that it fills, and marks the one that it leaves. */
function addApart(lines: Lines, apart: HistoryPage): void {
  const { scroll, log, shown, unread, page } = lines;
  const { rows } = log;
  const { closed, opensAfter } = gapChange(rows, apart);
  const added = apart.events.filter(({ seq }) => !shown.has(seq));
  const isShown = ({ first, last }: SkippedRun) => rows.some((row) => row.seq <= last && lastOf(row) >= first);
  const skipped = (apart.skipped || []).filter((run) => !isShown(run));
  scroll.keep(() => {
    for (const row of closed) {
      const [gap] = rows.splice(rows.indexOf(row), 1);
      removeRows([gap as Row]);
    }
    if (added.length > 0) insert(lines, added);
    for (const one of skipped) leaveOut(log, one, lineOfSkipped(one, page.words));
    if (opensAfter !== undefined) putGap(log, lineOfGap(opensAfter, page.words));
    arrange(log, 0, rows.length - 1);
    unread.place(rows, log.isTurned);
  }, true);
}

/** Adds the row of a gap after an event. */
function putGap({ rows }: Log, line: HTMLElement): void {
  const index = placeOf(rows, Number(line.dataset.after) + 1 / 2);
  const above = rows[index - 1];
  if (above !== undefined) rows.splice(index, 0, rowOfGap(line, above));
}

/** Adds a row for events that are left out. It is in the run of the event above it, or below it. */
function leaveOut(log: Log, skipped: SkippedRun, line: HTMLElement): void {
  const { rows } = log;
  const index = placeOf(rows, skipped.first);
  const near = [rows[index - 1], rows[index]].find((row) => row && folds(row.kind)) || rows[index] || rows[index - 1];
  if (near === undefined) return;
  const row = rowOfSkipped(skipped, line, near);
  row.fold = foldAround(line);
  rows.splice(index, 0, row);
  arrange(log, index, index);
}

/**
 * Inserts events that are not shown, and changes the lines that they are about. The line of an
 * unsent message becomes its event's.
 */
function insert(lines: Lines, events: RoomEvent[]): void {
  const { log, shown, unread, page } = lines;
  const { rows } = log;
  let from = rows.length;
  let to = -1;
  for (const event of events) {
    shown.add(event.seq);
    if (event.kind === "edit" || event.kind === "erase") noteChange(lines, event);
    if (event.kind === "unname") unname(lines, event.member);
    if (!hasLine(event.kind)) continue;
    const index = placeOf(rows, event.seq);
    const row = rowOfEvent(event, lineFor(lines, event));
    equipLine(row.line, page);
    if (index === rows.length) rows.push(row);
    else rows.splice(index, 0, row);
    from = Math.min(from, index);
    to = Math.max(to, index);
  }
  if (to >= 0) arrange(log, from, to);
  unread.place(rows, log.isTurned);
  for (const quote of lines.quotes) answer(lines, quote);
  markUnsent(lines);
}

function lineFor(lines: Lines, event: RoomEvent): HTMLElement {
  const { page, unsent, changes, quotes } = lines;
  const own = event.id === undefined ? undefined : unsent.get(event.id);
  const line = own && shows(own, event) ? settled(lines, own, event) : lineOfEvent(event, page);
  if (own && own !== line) {
    own.remove();
    unsent.delete(event.id as string);
  }
  const change = changes.get(event.seq);
  if (change) showChange(line, change, page.words);
  if (event.kind === "message") markMentions(line, event.member.id, page.me);
  const quote = line.querySelector<HTMLElement>(".quote");
  if (quote) quotes.add(quote);
  return line;
}

/**
 * Whether the line of an unsent message shows what it has become. A command has become a notice.
 */
function shows(line: HTMLElement, event: RoomEvent): boolean {
  return event.kind === "message" && inside(line, "text").textContent === event.text;
}

/** Changes the line of a message, and the quotes of it. */
function noteChange({ log, changes, page, quotes }: Lines, change: RoomEdit | RoomErase): void {
  const { target, seq, member } = change;
  const known = changes.get(target);
  if (known && known.seq > seq) return;
  changes.set(target, change);
  const line = lineOfSeq(log, target);
  if (line) {
    showChange(line, change, page.words);
    markMentions(line, member.id, page.me);
  }
  for (const quote of log.element.querySelectorAll<HTMLElement>(`[data-reply="${target}"]`)) quotes.add(quote);
}

/** Shows a person under another name on all lines and in quotes. */
function unname({ log, quotes }: Lines, member: Member): void {
  for (const row of log.rows) {
    if (row.memberId !== member.id || row.skipped) continue;
    row.nickname = member.nickname;
    showUnname(row.line, member);
    for (const quote of log.element.querySelectorAll<HTMLElement>(`[data-reply="${row.seq}"]`)) quotes.add(quote);
  }
}

/** Fills the quote of a message that has a line. */
function answer({ log, quotes }: Lines, quote: HTMLElement): void {
  const line = lineOfSeq(log, Number(quote.dataset.reply));
  if (line === undefined) return;
  if (line.classList.contains("ignored")) quote.textContent = log.words.quotedIgnored;
  else fillQuote(quote, line);
  quotes.delete(quote);
}

function lineOfSeq({ rows }: Log, seq: number): HTMLElement | undefined {
  const row = rows[placeOf(rows, seq) - 1];
  return row?.seq === seq && !row.skipped ? row.line : undefined;
}

/** Marks the line of a message if it mentions the reader. Own messages do not. */
function markMentions(line: HTMLElement, memberId: string, me: Member): void {
  const isMention = memberId !== me.id && mentions(inside(line, "text").textContent || "", me.nickname);
  line.classList.toggle("mention", isMention);
}

/** Returns the index at which a seq belongs. A new line is nearly always the last one. */
function placeOf(rows: Row[], seq: number): number {
  let index = rows.length;
  while (index > 0 && (rows[index - 1] as Row).seq > seq) index--;
  return index;
}

function trim(lines: Lines, most: number): void {
  const { rows } = lines.log;
  const first = Math.max(firstOfNewest(rows, most), rows.length - most * MOST_FOLDED);
  if (first === 0) return;
  dropOldest(lines, first);
  arrange(lines.log, 0, 0);
  lines.unread.place(rows, lines.log.isTurned);
}

/** Drops that many of the oldest rows, which can be read again. */
function dropOldest(lines: Lines, count: number): void {
  drop(lines, count);
  part("older").hidden = false;
}

function drop({ log, shown, quotes, unread, page }: Lines, most: number): void {
  unread.moved();
  // A gap with nothing above it says nothing.
  const count = log.rows[most]?.isGap ? most + 1 : most;
  const dropped = log.rows.splice(0, count);
  for (const { seq, line } of dropped) {
    shown.delete(seq);
    if (line.dataset.whisper) forgetWhisper(page.places, Number(line.dataset.whisper));
  }
  for (const quote of quotes) if (dropped.some(({ line }) => line.contains(quote))) quotes.delete(quote);
  removeRows(dropped);
}

function has({ log }: Lines, id: string): boolean {
  return log.rows.some(({ clientId }) => clientId === id);
}

function showUnsent(lines: Lines, message: UnsentMessage): void {
  const { page, scroll, conversation, log, unsent } = lines;
  const { id } = message;
  let line = unsent.get(id);
  if (line === undefined) {
    // The receipt was lost, but the log has the message.
    if (has(lines, id)) return;
    const created = lineOf(page.me, message, page);
    line = created;
    line.classList.add("message", "pending", "own");
    line.dataset.clientId = id;
    unsent.set(id, line);
    const quote = created.querySelector<HTMLElement>(".quote");
    if (quote) answer(lines, quote);
    scroll.keep(() => {
      if (log.isTurned) log.element.prepend(created);
      else log.element.append(created);
      markUnsent(lines);
    });
  }
  const shown = line;
  scroll.keep(() => showUnsentState(shown, message, { words: page.words, conversation }));
}

function settle(lines: Lines, event: RoomEvent): void {
  const { scroll, shown, unsent, unread } = lines;
  unread.answered();
  const line = event.id === undefined ? undefined : unsent.get(event.id);
  if (line === undefined) return;
  if (shown.has(event.seq)) {
    line.remove();
    unsent.delete(event.id as string);
  } else scroll.keep(() => insert(lines, [event]));
}

function settled({ unsent }: Lines, line: HTMLElement, event: RoomEvent): HTMLElement {
  unsent.delete(event.id as string);
  line.classList.remove("pending", "refused", "kept");
  line.querySelector(".message-state")?.remove();
  settleLine(line, event);
  return line;
}

/** Hides the reader's own nickname on unsent lines that follow a message of theirs. */
function markUnsent({ page, log, unsent }: Lines): void {
  const last = log.rows[log.rows.length - 1];
  if (log.isTurned) return;
  let follows = last?.kind === "message" && last.memberId === page.me.id && Date.now() - last.at < SAME_SPEAKER_MS;
  for (const line of unsent.values()) {
    line.classList.toggle("follows", follows);
    follows = true;
  }
}
