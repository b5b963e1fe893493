import { foldSentence, SHORTEST_FOLD } from "../../protocol/fold.ts";
import { fill, type ScriptWords } from "../words.ts";
import { create, onClick, remove, setText, show } from "./dom.ts";
import { endOfRun, type OldRow, startOfRun } from "./rows.ts";

/** The log on the screen: the element, and its rows in the order of their seq. */
export type OldLog = {
  element: PageElement;
  rows: OldRow[];
  words: ScriptWords;
  /** The newest line is on top, below the name of its day. */
  isTurned: boolean;
  topMark?: PageElement | undefined;
};

/** Where the next element has to be: before `below`, in the order of the log. */
type Place = { log: PageElement; isTurned: boolean; below: PageElement | null };

/**
 * Brings the elements of the log in line with its rows, of which those from one index to another
 * are new or have other neighbors: days are separated, and runs of coming and going are folded.
 * An element that is in its place already is not touched.
 */
export function arrange(log: OldLog, from: number, to: number): void {
  const { element, rows, words, isTurned } = log;
  let index = from > 0 ? startOfRun(rows, from - 1) : 0;
  const above = rows[index - 1];
  const first = isTurned ? element.lastChild : element.firstChild;
  const place: Place = { log: element, isTurned, below: skipUnread(isTurned, first) };
  if (above) place.below = belowOf(place, topOf(element, above));
  let isSettled = false;
  while (index < rows.length && !isSettled) {
    isSettled = index > to;
    const end = endOfRun(rows, index);
    const first = rows[index] as OldRow;
    separate(place, first, index > 0 ? (rows[index - 1] as OldRow).day : "");
    for (let i = index + 1; i < end; i++) separate(place, rows[i] as OldRow, first.day);
    if (end - index < SHORTEST_FOLD) {
      for (let i = index; i < end; i++) placeLine(place, rows[i] as OldRow);
    } else placeFold(place, rows.slice(index, end), words);
    index = end;
  }
  if (isTurned) nameNewestDay(log);
}

/** Removes rows from the log, with all that was there for them alone. */
export function removeRows(rows: OldRow[]): void {
  for (let i = 0; i < rows.length; i++) {
    const { line, separator, fold } = rows[i] as OldRow;
    remove(line);
    if (separator) remove(separator);
    if (fold) remove(fold);
  }
}

/** Returns the child of the log that a row's line is in. */
function topOf(log: PageElement, { line }: OldRow): PageElement {
  let top = line;
  while (top.parentNode !== log) top = top.parentNode as PageElement;
  return top;
}

/** Returns the element after another one, in the order of the log. */
function belowOf({ isTurned }: Place, element: PageElement): PageElement | null {
  return skipUnread(isTurned, isTurned ? element.previousSibling : element.nextSibling);
}

/** The unread line keeps its place. unread-line.ts moves it. */
function skipUnread(isTurned: boolean, element: PageElement | null): PageElement | null {
  if (element === null || element.className !== "unread") return element;
  return isTurned ? element.previousSibling : element.nextSibling;
}

function put(place: Place, element: PageElement): void {
  const { log, isTurned, below } = place;
  if (element === below) place.below = belowOf(place, element);
  else if (!isTurned) log.insertBefore(element, below);
  else log.insertBefore(element, below === null ? log.firstChild : below.nextSibling);
}

function takeAway(place: Place, element: PageElement | undefined): void {
  if (element === undefined) return;
  if (element === place.below) place.below = belowOf(place, element);
  remove(element);
}

/**
 * Places the name of a day above it on the screen. If the log is turned, the day of the row above
 * follows on the screen.
 */
function separate(place: Place, row: OldRow, dayAbove: string): void {
  const { separator } = row;
  const day = place.isTurned ? dayAbove : row.day;
  if (row.day !== dayAbove && day !== "") {
    row.separator = separator || create("li", "day", day);
    put(place, row.separator);
  } else {
    takeAway(place, separator);
    row.separator = undefined;
  }
}

function nameNewestDay(log: OldLog): void {
  const { element, rows, topMark } = log;
  const newest = rows[rows.length - 1];
  if (topMark) remove(topMark);
  if (newest) log.topMark = element.insertBefore(create("li", "day", newest.day), element.firstChild);
}

function placeLine(place: Place, row: OldRow): void {
  put(place, row.line);
  takeAway(place, row.fold);
  row.fold = undefined;
}

/**
 * Places a run. The element of one of its parts is used again, so that what was opened stays open.
 */
function placeFold(place: Place, run: OldRow[], words: ScriptWords): void {
  let fold: PageElement | undefined;
  for (let i = 0; i < run.length; i++) fold = fold || (run[i] as OldRow).fold;
  const element = fold || createFold();
  put(place, element);
  const [link, list] = [element.firstChild as PageElement, element.lastChild as PageElement];
  let [enters, leaves, others] = [0, 0, 0];
  for (let i = 0; i < run.length; i++) {
    const row = run[i] as OldRow;
    enters += row.enters;
    leaves += row.leaves;
    others += row.others;
    // A line that is in its place already is not moved, so that it keeps the keyboard's focus.
    const there = list.childNodes[i] || null;
    if (row.line === place.below) place.below = belowOf(place, row.line);
    if (row.line !== there) list.insertBefore(row.line, there);
    if (row.fold !== element) takeAway(place, row.fold);
    row.fold = i === 0 ? element : undefined;
  }
  const name = others > 0 ? "foldedMany" : foldSentence(enters, leaves);
  setText(link, fill(words[name], { enters, leaves, lines: enters + leaves + others }));
}

/** Creates one closed line for a run of people who came and went: a link, and their lines. */
function createFold(): PageElement {
  const element = create("li", "folded");
  const link = element.appendChild(create("a", "fold"));
  const list = element.appendChild(create("ol", "folded-lines"));
  let isOpen = true;
  const toggle = () => {
    isOpen = !isOpen;
    show(list, isOpen);
    link.setAttribute("aria-expanded", String(isOpen));
  };
  link.href = "#";
  onClick(link, toggle);
  toggle();
  return element;
}
