import type { HistoryPage } from "./core/history.ts";

/**
 * A row of the log on the screen. A gap is a row, too: its seq is that of the event above it, and a
 * half.
 */
type RowOrGap = { seq: number; isGap?: boolean };

/** The gaps that a page of history closes, and the seq after which it opens one. */
export type GapChange<Row> = { closed: Row[]; opensAfter: number | undefined };

/**
 * Returns what becomes of the gaps when a page of history, which may be apart from all rows, is
 * added to them.
 */
export function gapChange<Row extends RowOrGap>(rows: Row[], { events, skipped = [] }: HistoryPage): GapChange<Row> {
  const ends = [events[0], events[events.length - 1]];
  let first = ends[0] === undefined ? 0 : ends[0].seq;
  let last = ends[1] === undefined ? 0 : ends[1].seq;
  for (let i = 0; i < skipped.length; i++) {
    first = Math.min(first, (skipped[i] as { first: number }).first);
    last = Math.max(last, (skipped[i] as { last: number }).last);
  }
  const closed: Row[] = [];
  // The row above what follows the page.
  let above: Row | undefined;
  let below: Row | undefined;
  for (let i = 0; i < rows.length && below === undefined; i++) {
    const row = rows[i] as Row;
    if (row.seq > last + 1 / 2) below = row;
    else {
      above = row;
      if (row.isGap && row.seq >= first - 1) closed.push(row);
    }
  }
  const isContinued = above !== undefined && !above.isGap && above.seq >= first;
  const opens = below !== undefined && !isContinued && below.seq > last + 1;
  return { closed, opensAfter: opens ? last : undefined };
}
