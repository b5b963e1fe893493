import { LONGEST_RUN_MS, SAME_SPEAKER_MS, TIMELESS_MS } from "../../protocol/line.ts";
import type { ScriptWords } from "../words.ts";
import { createFold, fillFold, isOpen } from "./fold.ts";
import { dayLabel, dayOf } from "./local-time.ts";
import { endOfRun, type Fold, isFolded, type Row, startOfRun } from "./rows.ts";

const MINUTE_MS = 60_000;

/**
 * The log on the screen: the element, and its rows in the order of their seq. `isTurned`: the
 * newest line is on top. `topMark` names its day then, unless it is today.
 */
export type Log = {
  element: HTMLElement;
  rows: Row[];
  words: ScriptWords;
  isTurned: boolean;
  topMark?: HTMLElement | undefined;
};

/** Where the next element has to be: before `below`, in the order of the log. */
type Place = { log: HTMLElement; isTurned: boolean; below: Element | null };

/**
 * Brings the elements of the log in line with its rows, of which those from one index to another
 * are new or have other neighbors: days are separated, runs of coming and going are folded, and a
 * nickname is not repeated. Elements that are in their place already are not touched.
 */
export function arrange(log: Log, from: number, to: number): void {
  const { element, rows, words, isTurned } = log;
  if (rows.length === 0) return;
  let index = startOfRun(rows, Math.min(from, rows.length - 1));
  const above = rows[index - 1];
  const place: Place = { log: element, isTurned, below: null };
  place.below = above ? belowOf(place, topOf(above)) : firstOf(place);
  let isSettled = false;
  while (index < rows.length && !(isSettled && index > to)) {
    const end = endOfRun(rows, index);
    const run = rows.slice(index, end + 1);
    separate(place, run[0] as Row, rows[index - 1]);
    if (isFolded(run)) placeFold(place, run, words);
    else for (const row of run) placeLine(place, row);
    isSettled = true;
    for (; index <= end; index++)
      if (name(rows[index] as Row, isTurned ? undefined : rows[index - 1])) isSettled = false;
  }
  if (isTurned) nameNewestDay(log);
}

/** Turns the log over, so that its newest line is on top, or at the bottom again. */
export function turn(log: Log): void {
  log.isTurned = !log.isTurned;
  for (const row of log.rows) {
    row.dayMark?.remove();
    row.dayMark = undefined;
  }
  log.topMark?.remove();
  log.topMark = undefined;
  log.element.append(...[...log.element.children].reverse());
  arrange(log, 0, log.rows.length - 1);
}

/** Removes rows from the log, with all that was there for them alone. */
export function removeRows(rows: Row[]): void {
  const emptied = new Set<Fold>();
  for (const { line, dayMark, fold } of rows) {
    line.remove();
    dayMark?.remove();
    if (fold) emptied.add(fold);
  }
  for (const { element, list } of emptied) if (list.childElementCount === 0) element.remove();
}

function topOf({ line, fold }: Row): Element {
  return fold ? fold.element : line;
}

/** Returns the element after another one, in the order of the log. */
function belowOf({ isTurned }: Pick<Place, "isTurned">, element: Element): Element | null {
  const next = isTurned ? element.previousElementSibling : element.nextElementSibling;
  // The unread line keeps its place. unread-line.ts moves it.
  return next?.className === "unread" ? belowOf({ isTurned }, next) : next;
}

function firstOf({ log, isTurned }: Place): Element | null {
  const first = isTurned ? log.lastElementChild : log.firstElementChild;
  return first?.className === "unread" ? belowOf({ isTurned }, first) : first;
}

function put(place: Place, element: Element): void {
  const { log, isTurned, below } = place;
  if (element === below) place.below = belowOf(place, element);
  else if (!isTurned) log.insertBefore(element, below);
  else if (below) below.after(element);
  else log.prepend(element);
}

function takeAway(place: Place, element: Element): void {
  if (element === place.below) place.below = belowOf(place, element);
  element.remove();
}

/**
 * Places the name of a day above it on the screen. Above the first row, today need not be named. If
 * the log is turned, the day of the row above follows on the screen.
 */
function separate(place: Place, row: Row, above: Row | undefined): void {
  const day = place.isTurned ? above?.day : row.day;
  const isSame = row.day === (above ? above.day : dayOf(Date.now()));
  if (isSame || day === undefined) {
    if (row.dayMark) takeAway(place, row.dayMark);
    row.dayMark = undefined;
    return;
  }
  row.dayMark ||= createMark();
  label(row.dayMark, day);
  put(place, row.dayMark);
}

/** Names the day of the newest row above it, unless it is today. */
function nameNewestDay(log: Log): void {
  const day = log.rows[log.rows.length - 1]?.day;
  if (day === undefined || day === dayOf(Date.now())) {
    log.topMark?.remove();
    return;
  }
  log.topMark ||= createMark();
  label(log.topMark, day);
  if (log.element.firstElementChild !== log.topMark) log.element.prepend(log.topMark);
}

function createMark(): HTMLElement {
  const mark = document.createElement("li");
  mark.className = "day";
  return mark;
}

function label(mark: HTMLElement, day: string): void {
  const words = dayLabel(day);
  if (mark.textContent === words) return;
  const time = document.createElement("time");
  time.dateTime = day;
  time.textContent = words;
  mark.replaceChildren(time);
}

function placeLine(place: Place, row: Row): void {
  const { fold } = row;
  row.fold = undefined;
  put(place, row.line);
  dissolve(place, fold);
}

function placeFold(place: Place, run: Row[], words: ScriptWords): void {
  const known = new Set<Fold>();
  for (const { fold } of run) if (fold) known.add(fold);
  // A fold that begins with another line belongs to a run above, of which these rows were a part.
  const own = [...known].filter(({ list }) => run.some(({ line }) => line === list.firstElementChild));
  const fold = own.find(isOpen) || own[0] || createFold();
  for (const row of run.slice(1)) {
    if (row.dayMark) takeAway(place, row.dayMark);
    row.dayMark = undefined;
  }
  for (const row of run) if (row.line === place.below) place.below = belowOf(place, row.line);
  put(place, fold.element);
  fillFold(fold, run, words);
  for (const other of known) dissolve(place, other);
}

function dissolve(place: Place, fold: Fold | undefined): void {
  if (fold?.list.childElementCount === 0) takeAway(place, fold.element);
}

/**
 * Hides the nickname of an author who continues, as server/pages/message-line.ts does. With the
 * newest line on top, no line continues the one above it. Returns whether that concerns the row
 * below.
 */
function name(row: Row, above: Row | undefined): boolean {
  const { line, at, namedAt } = row;
  const follows = above !== undefined && continues(above, row);
  row.namedAt = follows ? above.namedAt : at;
  line.classList.toggle("follows", follows);
  const isLate = follows && at - row.namedAt > TIMELESS_MS;
  line.classList.toggle("timed", isLate && minuteOf(at) !== minuteOf(above.at));
  return row.namedAt !== namedAt;
}

function continues(above: Row, row: Row): boolean {
  if (above.kind !== "message" || row.kind !== "message" || above.day !== row.day) return false;
  if (above.memberId !== row.memberId || above.nickname !== row.nickname) return false;
  return row.at - above.at < SAME_SPEAKER_MS && row.at - above.namedAt < LONGEST_RUN_MS;
}

function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS);
}
