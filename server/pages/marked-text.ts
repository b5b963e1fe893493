import { graphemesOf } from "../../protocol/graphemes.ts";
import { type Html, html } from "./html.ts";

/**
 * Returns a message's text with the words of a search marked, in whatever case and width they are
 * written there.
 */
export function markedText(text: string, words: string[]): Html[] {
  const characters = graphemesOf(text);
  const folded = characters.map(foldOf);
  const isMarked = marksOf(folded, words.map(foldOf));
  const pieces: Html[] = [];
  for (let from = 0; from < characters.length; ) {
    let to = from + 1;
    while (to < characters.length && isMarked[to] === isMarked[from]) to += 1;
    const piece = characters.slice(from, to).join("");
    pieces.push(isMarked[from] ? html`<mark>${piece}</mark>` : html`${piece}`);
    from = to;
  }
  return pieces;
}

function foldOf(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}

/** Returns for each character of a text whether it is a part of one of the words. */
function marksOf(folded: string[], words: string[]): boolean[] {
  const all = folded.join("");
  // The character that each unit of the folded text comes from.
  const origins = folded.flatMap((part, index) => Array.from({ length: part.length }, () => index));
  const marks = folded.map(() => false);
  for (const word of words) {
    for (let at = all.indexOf(word); at >= 0; at = all.indexOf(word, at + word.length))
      marks.fill(true, origins[at], (origins[at + word.length - 1] as number) + 1);
  }
  return marks;
}
