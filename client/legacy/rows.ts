import type { RoomEvent, SkippedRun } from "../../protocol/event.ts";
import { SHORTEST_FOLD } from "../../protocol/fold.ts";
import { isSaid } from "../../protocol/line.ts";
import { placeOfWhisper, type WhisperPlaces } from "../whispers.ts";
import { fill, type ScriptWords } from "../words.ts";
import { attr, create } from "./dom.ts";
import { dayOf, momentOf } from "./local-time.ts";

/** An event of the log on the screen, or a part of a run that is left out, and its line. */
export type OldRow = {
  /** The author of a message, a whisper or a notice; "" for anything else. */
  author: string;
  /** The first and the last seq. Events after it that have no line count as its own. */
  seq: number;
  last: number;
  /** How many people came, how many left, and how many did one or the other. */
  enters: number;
  leaves: number;
  others: number;
  /** The reader's day, in words. A part that is left out has that of the line above. */
  day: string;
  /** Stands for a part of the log that the page lacks, see gaps.ts. */
  isGap?: boolean;
  /** The client id, or "". */
  id: string;
  line: PageElement;
  /** The content of the line while the reader ignores its author. */
  hidden?: PageElement | undefined;
  /** The element above the line, if the line is the first one of its day. */
  separator?: PageElement | undefined;
  /** The element of the run of coming and going that begins with this line. */
  fold?: PageElement | undefined;
};

/** Returns the row of an event. */
export function rowOfEvent({ seq, kind, at, member, id = "" }: RoomEvent, line: PageElement): OldRow {
  const [enters, leaves] = [kind === "enter" ? 1 : 0, kind === "leave" ? 1 : 0];
  const author = isSaid(kind) ? member.id : "";
  return { author, seq, last: seq, enters, leaves, others: 0, day: dayOf(momentOf(at)), id, line };
}

/** Returns the row of a part of a run that is left out. */
export function rowOfSkipped(skipped: SkippedRun, day: string, words: ScriptWords): OldRow {
  const { first, last, enters = 0, leaves = 0 } = skipped;
  const length = last - first + 1;
  const line = create("li", "skipped", fill(words.foldedMore, { lines: length }));
  return { author: "", seq: first, last, enters, leaves, others: length - enters - leaves, day, id: "", line };
}

/** Returns the row of a gap after an event. */
export function rowOfGap(after: number, day: string, line: PageElement): OldRow {
  const seq = after + 1 / 2;
  return { seq, last: seq, enters: 0, leaves: 0, others: 0, day, isGap: true, author: "", id: "", line };
}

/**
 * Returns the row of a line that the server has rendered, if it is one. `day` is that of the line
 * above.
 */
export function rowOfLine(
  line: PageElement,
  { day, words, places }: { day: string; words: ScriptWords; places: WhisperPlaces },
): OldRow | undefined {
  const figure = (name: string) => Number(attr(line, name));
  const [at, id] = [attr(line, "data-at"), attr(line, "data-client-id")];
  if (at !== "") {
    const [, kind = "message"] = /\b(enter|leave|rename|notice|whisper)\b/.exec(line.className) || [];
    const whisper = figure("data-whisper");
    const seq = whisper > 0 ? placeOfWhisper(places, { seq: whisper, at }) : figure("data-seq");
    const member = { id: attr(line, "data-member-id") };
    return rowOfEvent({ seq, kind, at, member, id } as RoomEvent, line);
  }
  if (line.className === "gap") return rowOfGap(figure("data-after"), day, line);
  const skipped = { first: figure("data-first"), last: figure("data-last") };
  if (skipped.last === 0) return undefined;
  return rowOfSkipped({ ...skipped, enters: figure("data-enters"), leaves: figure("data-leaves") }, day, words);
}

/** Returns the index at which a seq belongs. A new line is nearly always the last one. */
export function placeOf(rows: OldRow[], seq: number): number {
  let index = rows.length;
  while (index > 0 && (rows[index - 1] as OldRow).seq > seq) index--;
  return index;
}

/** Returns the index after the run of coming and going that begins at an index. */
export function endOfRun(rows: OldRow[], from: number): number {
  let end = from + 1;
  while (isOneRun(rows[end - 1], rows[end])) end++;
  return end;
}

/** Returns the first index of the run of coming and going that an index is in. */
export function startOfRun(rows: OldRow[], from: number): number {
  let start = from;
  while (isOneRun(rows[start - 1], rows[start])) start--;
  return start;
}

/** Returns the index of the first of the newest rows that take `most` lines on the screen. */
export function firstOfNewest(rows: OldRow[], most: number): number {
  let lines = 0;
  let index = rows.length;
  while (index > 0) {
    const start = startOfRun(rows, index - 1);
    const length = index - start;
    lines += length < SHORTEST_FOLD ? length : 1;
    if (lines > most) return index;
    index = start;
  }
  return 0;
}

function isOneRun(above: OldRow | undefined, below: OldRow | undefined): boolean {
  return above !== undefined && below !== undefined && above.day === below.day && folds(above) && folds(below);
}

function folds({ enters, leaves, others }: OldRow): boolean {
  return enters + leaves + others > 0;
}
