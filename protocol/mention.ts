/**
 * Which messages mention a person. The server's pages and the scripts of new and old browsers use
 * this one rule, so it is ES3. "Mentions" in docs/protocol.md has the rule in words.
 */
import { linkedPieces, type TextPiece } from "./links.ts";

/** Whether a text contains a nickname, with or without @, outside of links. */
export function mentions(text: string, nickname: string): boolean {
  const name = lookOf(nickname);
  if (name === "" || lookOf(text).indexOf(name) === -1) return false;
  const pieces = linkedPieces(text);
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i] as TextPiece;
    if (piece.href === "" && isNamed(lookOf(piece.text), name)) return true;
  }
  return false;
}

/** Returns a text without its case, width and accents. */
function lookOf(text: string): string {
  const bare = normal(text.toLowerCase(), "NFKD").replace(ACCENTS, "").replace(UNSEEN, "");
  return normal(bare, "NFC").toLowerCase();
}

/** [Internet Explorer] It cannot normalize, and keeps widths and accents. */
function normal(text: string, form: string): string {
  const known = text as { normalize?(form: string): string };
  return known.normalize ? known.normalize(form) : text;
}

const ACCENTS = /[\u0300-\u036f]/g;
const UNSEEN = /[\u200b-\u200f\u2060\ufeff]/g;

function isNamed(text: string, name: string): boolean {
  let at = text.indexOf(name);
  while (at !== -1 && !isApart(text, at, name.length)) at = text.indexOf(name, at + 1);
  return at !== -1;
}

/**
 * Whether a name is not a part of a longer word. Japanese has no spaces, so a name of kanji or
 * hiragana may be anywhere. A name of one kanji is not a part of a compound, and one of a single
 * kana has no letters next to it.
 */
function isApart(text: string, start: number, length: number): boolean {
  const end = start + length;
  const isWord = (at: number) => {
    const both = (letters: RegExp) => letters.test(text.charAt(at - 1)) && letters.test(text.charAt(at));
    if (both(SPACED) || both(KATAKANA)) return true;
    return length === 1 && both(KANJI.test(text.charAt(start)) ? KANJI : JAPANESE);
  };
  return !isWord(start) && (!isWord(end) || (length === 1 && TITLES.test(text.slice(end))));
}

/** Letters and figures of scripts that put spaces between words. */
const SPACED = /[\w\xaa\xb5\xba\xc0-\u0dff\u0f00-\u0fff\u10a0-\u10ff\u1200-\u177f\u1800-\u1fff\u2c00-\u2dff]/;
const KATAKANA = /[\u30a1-\u30fe]/;
const KANJI = /[\u3005\u3400-\u9fff]/;
const JAPANESE = /[\u3005\u3041-\u30fe\u3400-\u9fff]/;
/** After a name, they end it: 鳥さん. */
const TITLES = /^(?:さん|さま|様|くん|君|ちゃん|氏|殿|先生|サン|チャン|クン)/;
