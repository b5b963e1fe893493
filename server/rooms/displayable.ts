/**
 * Returns whether a text is safe to show as a name of at most `length` characters: it has something
 * visible, and no controls, invisible fillers, direction overrides or towers of marks. An emoji may
 * consist of several characters, as families and flags do.
 */
export function isDisplayable(text: string, length: number): boolean {
  const characters = [...text].length;
  if (characters < 1 || characters > length) return false;
  // An emoji may contain joiners and selectors that are allowed nowhere else.
  const rest = text.replace(/\p{RGI_Emoji}/gv, "☺");
  return !FORBIDDEN.test(rest) && VISIBLE.test(rest);
}

/**
 * Returns whether a text is too long to be worth normalizing. Normalization takes quadratic time
 * for runs of marks, so raw text is measured first: a character is at most three code points before
 * NFC, and an emoji code point is two UTF-16 units.
 */
export function isTooLong(typed: string, length: number): boolean {
  return typed.length > RAW_UNITS * length;
}

/** Room for white space around a name as well. */
const RAW_UNITS = 8;

/**
 * Controls, formats and the unassigned; characters that show nothing; variation selectors; five
 * marks in a row.
 */
const FORBIDDEN =
  /[\p{C}\p{Zl}\p{Zp}\p{Variation_Selector}\p{Default_Ignorable_Code_Point}\u{2800}\u{13441}\u{13442}\u{1D159}]|\p{M}{5}/u;

const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;
