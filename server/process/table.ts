/** Columns wider than this are cut, except the last one. */
const WIDTH_MAX = 40;

/** Prints rows as a table with the names of their members above. */
export function printTable(rows: { [column: string]: unknown }[]): void {
  const columns = Object.keys(rows[0] ?? {});
  const cells = [columns, ...rows.map((row) => columns.map((column) => cellOf(row[column])))];
  const widths = columns.map((_, n) => {
    const widest = cells.reduce((width, row) => Math.max(width, widthOf(row[n] as string)), 0);
    return n === columns.length - 1 ? widest : Math.min(WIDTH_MAX, widest);
  });
  for (const row of cells)
    process.stdout.write(
      `${row
        .map((cell, n) => padded(cell, widths[n] as number))
        .join("  ")
        .trimEnd()}\n`,
    );
}

/** People write into many cells, so no terminal may obey them. */
function cellOf(value: unknown): string {
  return String(value ?? "").replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, " ");
}

function padded(cell: string, width: number): string {
  let text = "";
  let used = 0;
  for (const character of cell) {
    const more = widthOf(character);
    if (used + more > width) return `${text}`.padEnd(text.length + width - used);
    text += character;
    used += more;
  }
  return text + " ".repeat(width - used);
}

/** A terminal shows letters of East Asia and emoji in two columns. */
function widthOf(text: string): number {
  return [...text].reduce((sum, character) => sum + (WIDE.test(character) ? 2 : 1), 0);
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
