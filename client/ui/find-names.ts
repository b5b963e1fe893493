// As long as a name can be, with its "@".
const LONGEST = 61;

/**
 * Returns the names that begin with the end of a text, for its longest end that fits. Japanese is
 * written without spaces, so a name may begin anywhere except within a word of Latin letters.
 */
export function findNames(text: string, names: string[]): { names: string[]; start: number } | undefined {
  const folded = names.map(foldName);
  for (let start = Math.max(0, text.length - LONGEST); start < text.length; start++) {
    const end = text.slice(start);
    const begun = foldName(end.replace(/^[@＠]/, ""));
    const isInWord = /\w/.test(text.charAt(start)) && /\w/.test(text.charAt(start - 1));
    // "@" is a part of what is replaced.
    if (begun === "" || isInWord || /\s/.test(end.charAt(0)) || /[@＠]/.test(text.charAt(start - 1))) continue;
    const found = names.filter((_, index) => folded[index]?.startsWith(begun));
    if (found.length > 0) return { names: found, start };
  }
  return undefined;
}

/** Small letters, and full-width ones as the usual ones. */
function foldName(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}
