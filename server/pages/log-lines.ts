import type { RoomEvent, SkippedRun } from "../../protocol/event.ts";
import { foldSentence, folds, SHORTEST_FOLD } from "../../protocol/fold.ts";
import { grouped, hasLine } from "../../protocol/line.ts";
import { isSameDay } from "../../protocol/moment.ts";
import { PATHS } from "../../protocol/paths.ts";
import { type Html, html, link } from "./html.ts";
import { fill, wordsOf } from "./language.ts";
import type { PageLayout } from "./layout.ts";
import { type LineContext, messageLine } from "./message-line.ts";
import { dayName, now, wallTimeOf } from "./time-stamp.ts";

/**
 * Events of a log in order, and what is left out between them. `previous` is the event above them,
 * if there is one on the page.
 */
export type LogView = {
  events: RoomEvent[];
  skipped?: SkippedRun[];
  previous?: RoomEvent | undefined;
  /** The seq of the line that the reader has come for. */
  current?: number;
  /** The seq after which the page lacks a part of the log. */
  gapAfter?: number;
  /** The page has no script. */
  isPlain?: boolean;
};

/**
 * Renders events as the lines of a log. Runs of people who come and go become one line that opens,
 * and each day has its name above it, except today if it is the first one.
 */
export function logLines(layout: PageLayout, view: LogView): Html[] {
  const { previous: last, current, isPlain } = view;
  const find = finderOf(view);
  return daysOf(layout, view).flatMap(({ at, items }, n) => {
    const isNamed = n === 0 && last ? !isSameDate(layout, last.at, at) : n > 0 || !isSameDate(layout, now(), at);
    const lines = items.map((item, index) =>
      renderItem(layout, item, {
        previous: layout.view.isNewestOnTop ? undefined : (items[index - 1] ?? (isNamed ? undefined : last)),
        find,
        current,
        isPlain,
      }),
    );
    return isNamed ? [dayLine(layout, at, items[0] as Item), ...lines] : lines;
  });
}

/**
 * Renders the same lines for a page that begins with the newest. The style sheet shows them in
 * order again. Text browsers have none, so there each day's name is above its newest line.
 */
export function newestFirst(layout: PageLayout, view: LogView): Html[] {
  if (layout.canOpen) return logLines(layout, view).reverse();
  const days = daysOf(layout, view).reverse();
  const context = { find: finderOf(view), isPlain: view.isPlain };
  return days.flatMap(({ at, items }, n) => {
    const lines = items
      .map((item, index) => renderItem(layout, item, { ...context, previous: items[index - 1] }))
      .reverse();
    const isNamed = n > 0 || !isSameDate(layout, now(), at);
    return isNamed ? [dayLine(layout, at, items.at(-1) as Item), ...lines] : lines;
  });
}

/**
 * Renders the same lines with the newest on top: each day's name is above its newest line, and
 * every line has its nickname.
 */
export function newestOnTop(layout: PageLayout, view: LogView): Html[] {
  const days = daysOf(layout, view).reverse();
  const context = { previous: undefined, find: finderOf(view), current: view.current, isPlain: view.isPlain };
  return days.flatMap(({ at, items }, n) => {
    const lines = items.map((item) => renderItem(layout, item, context)).reverse();
    const isNamed = n > 0 || !isSameDate(layout, now(), at);
    return isNamed ? [dayLine(layout, at, items.at(-1) as Item), ...lines] : lines;
  });
}

/** A run of events that fold into one line, and what is left out of it. */
type Run = { run: (RoomEvent | SkippedRun)[] };
/** A part of the log that the page lacks: the events after this seq of a room. */
type Gap = { gapAfter: number; room: string };
type Item = RoomEvent | Run | Gap;
type Day = { at: string; items: Item[] };

function daysOf(layout: PageLayout, { events, skipped = [], gapAfter }: LogView): Day[] {
  const days: Day[] = [];
  const left = [...skipped];
  let isGapLeft = gapAfter !== undefined;
  for (const event of events) {
    if (!hasLine(event.kind)) continue;
    let day = days.at(-1);
    const isWhisper = event.kind === "whisper";
    if (isGapLeft && !isWhisper && event.seq > (gapAfter as number)) {
      day?.items.push({ gapAfter: gapAfter as number, room: event.room });
      isGapLeft = false;
    }
    const isNew = day === undefined || !isSameDate(layout, day.at, event.at);
    // Events that are left out before a line belong to the run above it, also if the line is of the
    // next day.
    const before = isWhisper ? [] : left.filter(({ last }) => last < event.seq);
    left.splice(0, before.length);
    if (day && isNew && !folds(event.kind)) for (const one of before.splice(0)) runAtEnd(day.items).run.push(one);
    if (day === undefined || isNew) {
      day = { at: event.at, items: [] };
      days.push(day);
    }
    for (const one of before) runAtEnd(day.items).run.push(one);
    if (folds(event.kind)) runAtEnd(day.items).run.push(event);
    else day.items.push(event);
  }
  return days.map(({ at, items }) => ({ at, items: items.flatMap(unlessShort) }));
}

function runAtEnd(items: Item[]): Run {
  const last = items.at(-1);
  if (last !== undefined && "run" in last) return last;
  const added: Run = { run: [] };
  items.push(added);
  return added;
}

function unlessShort(item: Item): Item[] {
  if (!("run" in item)) return [item];
  const events = item.run.filter((one) => "seq" in one);
  return events.length === item.run.length && events.length < SHORTEST_FOLD ? events : [item];
}

function isSameDate({ timeZone }: PageLayout, one: string, other: string): boolean {
  return isSameDay(wallTimeOf(timeZone, one), wallTimeOf(timeZone, other));
}

type ItemContext = Pick<LineContext, "find" | "isPlain"> & {
  previous: Item | undefined;
  current?: number | undefined;
};

function renderItem(layout: PageLayout, item: Item, { previous, find, current, isPlain }: ItemContext): Html {
  if ("run" in item) return foldedRun(layout, item, current);
  if ("gapAfter" in item) return gapLine(layout, item);
  const above = previous && "seq" in previous ? previous : undefined;
  return messageLine(layout, item, {
    previous: above,
    find,
    isCurrent: item.seq === current && item.kind !== "whisper",
    isPlain,
  });
}

/** Returns a function that finds an event of a page. Few messages reply, so no map is made. */
function finderOf({ events }: LogView): (seq: number) => RoomEvent | undefined {
  return (seq) => events.find((event) => event.seq === seq && event.kind !== "whisper");
}

/** Renders the link to what follows a gap. The script shows it in place. */
function gapLine(layout: PageLayout, { gapAfter, room }: Gap): Html {
  const href = link(layout.basePath + PATHS.message(room, gapAfter));
  return html`<li class="gap" value="${gapAfter}" data-after="${gapAfter}"><a class="button quiet small" href="${href}">${wordsOf(layout.language).script.gap}</a></li>
`;
}

/**
 * Renders the name of a day. Its number is that of the next line: text browsers show numbers, and
 * would otherwise count it as a line.
 */
function dayLine(layout: PageLayout, at: string, next: Item): Html {
  const seq = "seq" in next ? numberOf(next) : "run" in next ? firstOf(next) : next.gapAfter;
  return html`<li class="day" value="${seq}"><time datetime="${at}">${dayName(layout, at)}</time></li>
`;
}

/** A whisper has no number in the room's log. */
function numberOf({ kind, seq }: RoomEvent): number {
  return kind === "whisper" ? 0 : seq;
}

function foldedRun(layout: PageLayout, { run }: Run, current: number | undefined): Html {
  const sentence = sentenceOf(layout, run);
  const isCurrent = (one: RoomEvent | SkippedRun) => "seq" in one && one.seq === current;
  const lines = run.map((one) =>
    "seq" in one ? messageLine(layout, one, { isCurrent: isCurrent(one) }) : skippedLine(layout, one),
  );
  const content = layout.canOpen
    ? html`<details${run.some(isCurrent) && html` open`}><summary>${sentence}</summary><ol class="folded-lines">
${lines}</ol></details>`
    : html`${sentence}`;
  return html`<li class="folded" value="${firstOf({ run })}">${content}</li>
`;
}

function firstOf({ run }: Run): number {
  return Math.min(...run.map((one) => ("seq" in one ? one.seq : one.first)));
}

function sentenceOf(layout: PageLayout, run: Run["run"]): string {
  const { script } = wordsOf(layout.language);
  let [enters, leaves, lines] = [0, 0, 0];
  for (const one of run) {
    if ("seq" in one) {
      if (one.kind === "enter") enters += 1;
      else leaves += 1;
    } else if (one.enters === undefined || one.leaves === undefined) lines += countOf(one);
    else {
      enters += one.enters;
      leaves += one.leaves;
    }
  }
  if (lines > 0) return fill(script.foldedMany, { lines: grouped(lines + enters + leaves) });
  return fill(script[foldSentence(enters, leaves)], { enters: grouped(enters), leaves: grouped(leaves) });
}

function skippedLine(layout: PageLayout, one: SkippedRun): Html {
  const text = fill(wordsOf(layout.language).script.foldedMore, { lines: grouped(countOf(one)) });
  const { first, last, enters, leaves } = one;
  const counts = enters !== undefined && html` data-enters="${enters}" data-leaves="${leaves}"`;
  return html`<li class="skipped" value="${first}" data-first="${first}" data-last="${last}"${counts}>${text}</li>
`;
}

function countOf({ first, last }: SkippedRun): number {
  return last - first + 1;
}
