import { fill, type ScriptWords } from "../words.ts";
import { findNames } from "./find-names.ts";
import { readAloud } from "./read-aloud.ts";

/** The parts of the page that a completion uses. `names` returns the names, the likeliest first. */
export type CompletionUse = { words: ScriptWords; names(): string[]; changed(): void };

/** Names that complete what was typed, and the text that they replace. */
type Round = { names: string[]; index: number; start: number; typed: string; shown: string };

/**
 * Completes names in a field by the Tab key: again for the next one, with Shift for the one before,
 * Escape for what was typed. Where no name fits, and after Escape, Tab moves the focus as usual.
 */
export function completeNames(field: HTMLTextAreaElement, { words, names, changed }: CompletionUse): void {
  let round: Round | undefined;
  let isEnded = false;
  field.addEventListener("input", () => {
    if (round && !isShown(field, round)) round = undefined;
    isEnded = false;
  });
  field.addEventListener("blur", () => {
    round = undefined;
    isEnded = false;
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape" && round) {
      put(round, round.typed);
      round = undefined;
      isEnded = true;
      event.preventDefault();
      event.stopImmediatePropagation();
    } else if ((event.key === "Tab" || event.code === "Tab") && !isEnded) {
      if (round && !isShown(field, round)) round = undefined;
      if (round) step(round, event.shiftKey ? -1 : 1);
      else if (!event.shiftKey) begin();
      if (round) event.preventDefault();
      // There is no other name to choose from, so the next Tab moves on.
      if (round?.names.length === 1) round = undefined;
    }
  });

  function begin(): void {
    const { selectionStart, selectionEnd, value } = field;
    if (selectionStart !== selectionEnd) return;
    const found = findNames(value.slice(0, selectionStart), names());
    if (found === undefined) return;
    const typed = value.slice(found.start, selectionStart);
    round = { ...found, index: 0, typed, shown: typed };
    step(round, 0);
  }

  function step(now: Round, by: number): void {
    const { length } = now.names;
    now.index = (now.index + by + length) % length;
    const nickname = now.names[now.index] as string;
    put(now, `@${nickname} `);
    readAloud(length === 1 ? `@${nickname}` : fill(words.completion, { nickname, at: now.index + 1, n: length }));
  }

  function put(now: Round, text: string): void {
    field.setRangeText(text, now.start, now.start + now.shown.length, "end");
    now.shown = text;
    changed();
  }
}

function isShown({ value, selectionEnd }: HTMLTextAreaElement, { start, shown }: Round): boolean {
  return value.slice(start, selectionEnd) === shown;
}
