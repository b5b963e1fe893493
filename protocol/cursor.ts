import { ROOMS_PER_READER } from "./limits.ts";

/**
 * A reader's position in each of its rooms, by the room's number in the log `epoch`. As text it is
 * `epoch.room-seq` or `epoch.room-seq.room-seq…`, for example `k3x9.1-42`. It consists of letters,
 * digits, `.` and `-` only, so that it fits into a path, a query and a `Last-Event-ID` header, from
 * which a browser drops other bytes cross-origin. It names its rooms, so it can never be mistaken
 * for another room's cursor.
 *
 * Eight rooms fit in 128 bytes: 8 for the epoch and 8 × 15 for `.`, 6 digits of room, `-` and 7
 * digits of seq, as long as rooms stay below a million and seqs below ten million. With a single
 * room, both may count to 2⁵³.
 */
export type Cursor = { epoch: string; seqs: Map<number, number> };

/**
 * Returns a cursor as text, with rooms in ascending order, so that equal cursors are equal texts.
 */
export function formatCursor(cursor: Cursor): string {
  const positions = [...cursor.seqs].sort(([a], [b]) => a - b);
  return cursor.epoch + positions.map(([room, seq]) => `.${room}-${seq}`).join("");
}

/** Parses a cursor. Returns `undefined` for any other text. */
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

/**
 * Returns the farther of two cursors, room by room. Cursors of different epochs cannot be compared:
 * returns the first.
 */
export function fartherCursor(a: Cursor, b: Cursor): Cursor {
  if (a.epoch !== b.epoch) return a;
  const seqs = new Map(a.seqs);
  for (const [room, seq] of b.seqs) seqs.set(room, Math.max(seq, seqs.get(room) ?? 0));
  return { epoch: a.epoch, seqs };
}

const SHAPE = /^[a-z0-9]{1,8}(\.\d{1,16}-\d{1,16})+$/;
