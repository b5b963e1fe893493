import { linkedPieces } from "../../protocol/links.ts";
import type { RoomRules } from "../../protocol/room-settings.ts";
import { type Refusal, refuse } from "../refusal.ts";

/** Returns why a room does not accept a text: it has a link, or a blocked word. */
export function refusalOfText(text: string, { links, blockedWords }: RoomRules): Refusal | undefined {
  if (!links && hasLink(text)) return refuse("no_links");
  return hasBlockedWord(text, blockedWords) ? refuse("blocked_word") : undefined;
}

/** Returns whether a text contains one of these words, also as a part of a longer word. */
export function hasBlockedWord(text: string, words: string[]): boolean {
  if (words.length === 0) return false;
  const folded = fold(text);
  return foldedWords(words).some((word) => folded.includes(word));
}

/** Also addresses that no page shows as a link, since people would copy them. */
function hasLink(text: string): boolean {
  const plain = text.normalize("NFKC");
  return LIKE_A_LINK.test(plain) || linkedPieces(text).some(({ href }) => href !== "");
}

const LIKE_A_LINK = /https?:\s*\/\/|\bwww\.|h?ttps?:\/\//i;

/** A room keeps its list of words until it gets another one. */
const known = new WeakMap<string[], string[]>();

function foldedWords(words: string[]): string[] {
  const before = known.get(words);
  if (before !== undefined) return before;
  const folded = words.map(fold).filter((word) => word !== "");
  known.set(words, folded);
  return folded;
}

/** Makes equal what differs in width, case, kana or invisible characters only. */
function fold(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/\p{Default_Ignorable_Code_Point}/gu, "")
    .replace(/[\u30a1-\u30f6]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) - 0x60));
}
