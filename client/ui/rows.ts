import type { RoomEvent, SkippedRun } from "../../protocol/event.ts";
import { folds, SHORTEST_FOLD } from "../../protocol/fold.ts";
import { placeOfWhisper, type WhisperPlaces } from "../whispers.ts";
import { dayOf } from "./local-time.ts";

const MOST_OF_RUN = 20;

/** One line for a run of people who came and went. It opens to the lines of the events. */
export type Fold = { element: HTMLElement; list: HTMLElement };

/** An event of the log on the screen, or events that a page of history leaves out. */
export type Row = {
  seq: number;
  /** An event's kind, or `skipped`. */
  kind: string;
  at: number;
  memberId: string;
  nickname: string;
  clientId: string | undefined;
  /** The reader's day. */
  day: string;
  line: HTMLElement;
  /** When the last line with a nickname above, or this one, was sent. */
  namedAt: number;
  /** The events that are left out. */
  skipped?: SkippedRun;
  /** Stands for a part of the log that the page lacks, see gaps.ts. */
  isGap?: boolean;
  /** The separator above the line, if it is the first one of its day. */
  dayMark?: HTMLElement | undefined;
  /** The folded run that the line is in. */
  fold?: Fold | undefined;
};

/** Returns the row of an event that this line shows. */
export function rowOfEvent({ seq, kind, member, id, at }: RoomEvent, line: HTMLElement): Row {
  const { id: memberId, nickname } = member;
  return { seq, kind, memberId, nickname, clientId: id, line, ...timesOf(at) };
}

/** Returns the row of a line that the server has rendered. */
export function rowOfLine(line: HTMLElement, places: WhisperPlaces): Row {
  const { at = "", memberId = "", clientId, whisper } = line.dataset;
  const seq = whisper ? placeOfWhisper(places, { seq: Number(whisper), at }) : line.dataset.seq;
  const kind =
    ["enter", "leave", "rename", "notice", "whisper"].find((name) => line.classList.contains(name)) || "message";
  const nickname = line.querySelector(".nickname")?.textContent || "";
  return { seq: Number(seq), kind, memberId, nickname, clientId, line, ...timesOf(at) };
}

/** Returns the row of events that are left out next to another row. */
export function rowOfSkipped(skipped: SkippedRun, line: HTMLElement, { at, day }: Row): Row {
  const { first } = skipped;
  return {
    ...{ seq: first, kind: "skipped", at, day, skipped, line },
    ...{ memberId: "", nickname: "", clientId: undefined, namedAt: Number.NaN },
  };
}

/** Returns the row of a gap below another row. */
export function rowOfGap(line: HTMLElement, { seq, at, day, skipped }: Row): Row {
  return {
    ...{ seq: (skipped ? skipped.last : seq) + 1 / 2, kind: "gap", isGap: true, at, day, line },
    ...{ memberId: "", nickname: "", clientId: undefined, namedAt: Number.NaN },
  };
}

/** Returns the last seq that a row shows or leaves out. */
export function lastOf({ seq, skipped }: Row): number {
  return skipped ? skipped.last : seq;
}

/** Whether a run of coming and going becomes one line. */
export function isFolded(run: Row[]): boolean {
  return run.length >= SHORTEST_FOLD || run.some(({ skipped }) => skipped);
}

/** Returns the last index of the run of coming and going that begins at an index. */
export function endOfRun(rows: Row[], from: number): number {
  let end = from;
  while (isOneRun(rows[end], rows[end + 1])) end++;
  return end;
}

/** Returns the first index of the run of coming and going that an index is in. */
export function startOfRun(rows: Row[], from: number): number {
  let start = from;
  while (isOneRun(rows[start - 1], rows[start])) start--;
  return start;
}

/**
 * Returns the index of the first of the newest rows that count as `most` lines. A long run of
 * coming and going counts as some lines only, so that a crowd does not push the messages out.
 */
export function firstOfNewest(rows: Row[], most: number): number {
  let lines = 0;
  let index = rows.length;
  while (index > 0) {
    const start = startOfRun(rows, index - 1);
    const counted = Math.min(index - start, MOST_OF_RUN);
    if (lines + counted > most) return index - (most - lines);
    lines += counted;
    index = start;
  }
  return 0;
}

function isOneRun(above: Row | undefined, below: Row | undefined): boolean {
  if (above === undefined || below === undefined) return false;
  return comesOrGoes(above) && comesOrGoes(below) && above.day === below.day;
}

function comesOrGoes({ kind, skipped }: Row): boolean {
  return skipped !== undefined || folds(kind);
}

function timesOf(at: string): Pick<Row, "at" | "day"> & { namedAt: number } {
  const ms = Date.parse(at);
  return { at: ms, day: dayOf(ms), namedAt: Number.NaN };
}
