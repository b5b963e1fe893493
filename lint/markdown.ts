import { blank, maskCode, type Passage } from "./passage.ts";

const CODE = /^( *)(`{3,}|~{3,})[^\n]*\n[\s\S]*?(?:^ *\2[^\n]*$|(?![\s\S]))|<!--[\s\S]*?-->|\]\([^)\s]*\)|<[^>\s]+>/gm;

/**
 * Returns the prose of a Markdown file, without code: a passage is a paragraph, an item, a row or a
 * heading.
 */
export function passagesOfMarkdown(source: string): Passage[] {
  const text = maskCode(blank(source, CODE));
  const passages: Passage[] = [];
  let start = 0;
  let isList = false;
  let isAfterBlank = true;
  let open: { start: number; kind: Passage["kind"] } | undefined;
  const close = (end: number) => {
    if (open) passages.push({ ...open, text: blank(text.slice(open.start, end), /^\s*(?:[-*+]|\d+\.|>|#+)\s/g) });
    open = undefined;
  };
  for (const line of text.split("\n")) {
    const isBlank = line.trim() === "";
    const isItem = /^\s*(?:[-*+]|\d+\.)\s/.test(line);
    const isIndented = /^ {4}/.test(line) && !isList && (isAfterBlank || !open);
    if (isBlank || isIndented || isItem || /^\s*(?:#|\|)/.test(line)) close(start);
    if (!isBlank && !isIndented) open ??= { start, kind: /^\s*#/.test(line) ? "heading" : "prose" };
    if (open?.kind === "heading") close(start + line.length);
    if (isItem) isList = true;
    else if (!isBlank && /^\S/.test(line) && isAfterBlank) isList = false;
    isAfterBlank = isBlank;
    start += line.length + 1;
  }
  close(text.length);
  return passages;
}
