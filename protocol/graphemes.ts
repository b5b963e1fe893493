/**
 * Returns the characters of a text as a person counts them: 🇯🇵, 👩‍🚀 and é are one each, however
 * many code points they have.
 */
export function graphemesOf(text: string): string[] {
  if (segmenter === undefined) return text.match(GRAPHEME) ?? [];
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

// [Firefox before 125] It has no Segmenter.
const segmenter = typeof Intl.Segmenter === "undefined" ? undefined : new Intl.Segmenter();

/** Flags; and everything else with its marks, skin tones, tags and what is joined to it. */
const GRAPHEME = /\p{RI}{2}|[\s\S](?:[\p{M}\p{EMod}\u{e0020}-\u{e007f}]|\u200d[\s\S])*/gu;

/** Returns the first character of a nickname, for the seal next to that person's messages. */
export function sealOf(nickname: string): string {
  return (graphemesOf(nickname)[0] ?? "").toUpperCase();
}
