import { ROOMS_PER_READER } from "./limits.ts";

/**
 * How far a reader has come in each of its rooms, by the room's number in the log `epoch`. As text it is
 * `epoch.room-seq` or `epoch.room-seq.room-seq…`, e.g. `k3x9.1-42`: letters, digits, `.` and `-` only, so that it may
 * stand in a path, a query and a `Last-Event-ID` header (a browser drops other bytes from that header cross-origin).
 * It tells its room, so that a cursor can never be taken for another room's.
 *
 * Eight rooms fit in 128 bytes: 8 for the epoch and 8 × 15 for `.`, 6 digits of room, `-`, 7 of seq, so long as rooms
 * stay below a million and seqs below ten million; one room may count to 2⁵³ in both.
 */
export type Cursor = { epoch: string; seqs: Map<number, number> };

/** Writes a cursor as text; rooms stand in ascending order, so that equal cursors are equal texts. */
export function formatCursor(cursor: Cursor): string {
  const positions = [...cursor.seqs].sort(([a], [b]) => a - b);
  return cursor.epoch + positions.map(([room, seq]) => `.${room}-${seq}`).join("");
}

/** Reads a cursor; `undefined` when the text is none. */
export function parseCursor(text: string): Cursor | undefined {
  if (text.length > 128 || !SHAPE.test(text)) return undefined;
  const [epoch, ...positions] = text.split(".");
  const seqs = new Map<number, number>();
  for (const position of positions) {
    const [room, seq] = position.split("-").map(Number);
    if (!Number.isSafeInteger(room) || !Number.isSafeInteger(seq)) return undefined;
    seqs.set(room as number, seq as number);
  }
  if (seqs.size > ROOMS_PER_READER) return undefined;
  return { epoch: epoch as string, seqs };
}

/** The farther of two cursors, room by room. A cursor of another epoch cannot be compared: the first one stays. */
export function fartherCursor(a: Cursor, b: Cursor): Cursor {
  if (a.epoch !== b.epoch) return a;
  const seqs = new Map(a.seqs);
  for (const [room, seq] of b.seqs) seqs.set(room, Math.max(seq, seqs.get(room) ?? 0));
  return { epoch: a.epoch, seqs };
}

const SHAPE = /^[a-z0-9]{1,8}(\.\d{1,16}-\d{1,16})+$/;
