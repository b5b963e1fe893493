/** Lines of a message above which it is folded. */
const MOST_LINES = 20;

/** The width of a line in letters: of a large screen at 1100 px, and of a phone at 390 px. */
const WIDE = 100;
const NARROW = 36;

/**
 * Estimates whether a message takes more than 20 lines, and so is folded: on every screen, or only
 * on a narrow one. The answer is a class of the line, "" for a message that is shown whole. Nothing
 * is measured: the server cannot, and a script would have to lay out the page for each line.
 */
export function tallClass(text: string): "tall" | "tall-narrow" | "" {
  let wide = 0;
  let narrow = 0;
  let width = 0;
  for (let i = 0; i <= text.length; i++) {
    const code = text.charCodeAt(i);
    if (i < text.length && code !== NEW_LINE) {
      width += widthOf(code);
      continue;
    }
    wide += Math.max(1, Math.ceil(width / WIDE));
    narrow += Math.max(1, Math.ceil(width / NARROW));
    width = 0;
  }
  return wide > MOST_LINES ? "tall" : narrow > MOST_LINES ? "tall-narrow" : "";
}

const NEW_LINE = 10;

/** Returns a width in letters. A capital is wider, and a Japanese character is as wide as two. */
function widthOf(code: number): number {
  if (code < 0x1100) return code > 64 && code < 91 ? 1.4 : 1;
  // The second half of a character beyond U+FFFF.
  return code >= 0xdc00 && code < 0xe000 ? 0 : 2;
}
