import type { SkippedRun } from "../../protocol/event.ts";
import { foldSentence } from "../../protocol/fold.ts";
import { fill, type ScriptWords } from "../words.ts";
import type { Fold, Row } from "./rows.ts";

/** Creates a closed line without events, as server/pages/log-lines.ts renders it. */
export function createFold(): Fold {
  const element = document.createElement("li");
  element.className = "folded";
  const details = document.createElement("details");
  const list = document.createElement("ol");
  list.className = "folded-lines";
  details.append(document.createElement("summary"), list);
  element.append(details);
  return { element, list };
}

/** Returns the fold that the server has rendered around a line, if it has. */
export function foldAround(line: HTMLElement): Fold | undefined {
  const element = line.closest<HTMLElement>(".folded");
  return element === null ? undefined : { element, list: line.parentElement as HTMLElement };
}

/** Creates the line of events that an opened fold leaves out. */
export function lineOfSkipped(skipped: SkippedRun, words: ScriptWords): HTMLElement {
  const { first, last, enters, leaves } = skipped;
  const line = document.createElement("li");
  line.className = "skipped";
  Object.assign(line.dataset, { first, last });
  if (enters !== undefined) Object.assign(line.dataset, { enters, leaves });
  line.textContent = fill(words.foldedMore, { lines: last - first + 1 });
  return line;
}

/** Returns the events that a line of the server leaves out. */
export function skippedBy({ dataset }: HTMLElement): SkippedRun {
  const { first, last, enters, leaves } = dataset;
  const skipped = { first: Number(first), last: Number(last) };
  return enters === undefined ? skipped : { ...skipped, enters: Number(enters), leaves: Number(leaves) };
}

/** Shows these rows as the lines of a fold. */
export function fillFold(fold: Fold, rows: Row[], words: ScriptWords): void {
  let below = fold.list.firstElementChild;
  for (const row of rows) {
    if (row.line === below) below = below.nextElementSibling;
    else fold.list.insertBefore(row.line, below);
    row.fold = fold;
  }
  const summary = fold.element.querySelector("summary") as HTMLElement;
  const sentence = sentenceOf(rows, words);
  if (summary.textContent !== sentence) summary.textContent = sentence;
}

/** Whether the reader has opened a fold. */
export function isOpen({ element }: Fold): boolean {
  return element.querySelector("details")?.open === true;
}

function sentenceOf(rows: Row[], words: ScriptWords): string {
  let [enters, leaves, uncounted] = [0, 0, 0];
  for (const { kind, skipped } of rows) {
    if (!skipped) kind === "enter" ? enters++ : leaves++;
    else if (skipped.enters === undefined) uncounted += skipped.last - skipped.first + 1;
    else {
      enters += skipped.enters;
      leaves += skipped.leaves || 0;
    }
  }
  if (uncounted > 0) return fill(words.foldedMany, { lines: uncounted + enters + leaves });
  return fill(words[foldSentence(enters, leaves)], { enters, leaves });
}
