import { SEARCH_LENGTH, SEARCH_WORDS } from "../../protocol/limits.ts";

/**
 * Returns the words of a search, which spaces of any width separate. Returns `undefined` if there
 * are none, or too many, or if they are too long. No message has a control character, and
 * PostgreSQL reads no NUL, so they are refused, too.
 */
export function readSearch(text: string): string[] | undefined {
  // NFKC makes at most 18 characters of one.
  if (text.length > 2 * SEARCH_LENGTH || Array.from(text).length > SEARCH_LENGTH) return undefined;
  if (!text.isWellFormed() || /[\p{Cc}--\s]/v.test(text)) return undefined;
  const words = [...new Set(text.normalize("NFKC").split(/\s+/u))].filter((word) => /[^\p{C}\p{Z}]/u.test(word));
  return words.length >= 1 && words.length <= SEARCH_WORDS ? words : undefined;
}
