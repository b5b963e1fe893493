/**
 * Text that a person reads, cut out of a file. Its marks and its code are blanked, so that offsets
 * stay true.
 */
export type Passage = {
  readonly kind: "comment" | "prose" | "heading" | "test name";
  readonly text: string;
  /** Where it begins in the file. */
  readonly start: number;
};

/** Replaces each match by spaces of the same length and keeps line breaks. */
export function blank(text: string, pattern: RegExp): string {
  return text.replace(pattern, (match) => match.replace(/[^\n]/g, " "));
}

/** Replaces inline code by underscores of the same length. */
export function maskCode(text: string): string {
  return text.replace(/(`+)[^`]+\1/g, (match) => match.replace(/[^\n]/g, "_"));
}
