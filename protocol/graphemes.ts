/**
 * Returns the characters of a text as a person counts them: 🇯🇵, 👩‍🚀 and é are one each, however
 * many code points they have.
 */
export function graphemesOf(text: string): string[] {
  if (segmenter === undefined) return withoutSegmenter(text);
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

// [Firefox before 125] It has no Segmenter.
const segmenter = typeof Intl.Segmenter === "undefined" ? undefined : new Intl.Segmenter();

/** Returns the beginning of a text in one line, for a quote. */
export function excerptOf(text: string): string {
  // A character has ten code points at most; no long text is split for a short quote.
  const line = text.slice(0, 10 * EXCERPT_LENGTH).replace(/\s+/g, " ");
  const characters = graphemesOf(line);
  if (characters.length <= EXCERPT_LENGTH) return line;
  return `${characters.slice(0, EXCERPT_LENGTH).join("")}…`;
}

/** One line of a quote on a wide screen. */
const EXCERPT_LENGTH = 80;

/** Returns the first character of a nickname, for the seal next to that person's messages. */
export function sealOf(nickname: string): string {
  return (graphemesOf(nickname)[0] ?? "").toUpperCase();
}

/**
 * Finds flags, and everything else with its marks, skin tones, tags and what is joined to it. The
 * expression is not made before it is used: [Chromium before 65, Firefox before 78] cannot read it,
 * and the page's script must still find out that they need the one for old browsers.
 */
function withoutSegmenter(text: string): string[] {
  return text.match(/\p{RI}{2}|[\s\S](?:[\p{M}\p{EMod}\u{e0020}-\u{e007f}]|\u200d[\s\S])*/gu) ?? [];
}
