import { SEARCH_LENGTH, SEARCH_WORDS } from "../../protocol/limits.ts";

/**
 * Returns the words of a search, which spaces of any width separate. Returns `undefined` if there
 * are none, or too many, or if they are too long.
 */
export function readSearch(text: string): string[] | undefined {
  // NFKC makes at most 18 characters of one.
  if (text.length > 2 * SEARCH_LENGTH || Array.from(text).length > SEARCH_LENGTH) return undefined;
  const words = [...new Set(text.normalize("NFKC").split(/\s+/u))].filter((word) => /[^\p{C}\p{Z}]/u.test(word));
  return words.length >= 1 && words.length <= SEARCH_WORDS ? words : undefined;
}
