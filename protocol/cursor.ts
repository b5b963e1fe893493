import type { RoomEvent } from "./event.ts";
import { LOGS_PER_READER } from "./limits.ts";

/**
 * A reader's position in each of its rooms, by the room's number in the log `epoch`: the last seq
 * that was read, and the checksum of the event with that seq. As text it is `epoch.SUMroom-seq`,
 * again with `.SUMroom-seq` for each further room, for example `k3x9.qfz1-42`. It consists of
 * letters, digits, `.` and `-` only, so that it fits into a path, a query and a `Last-Event-ID`
 * header, from which a browser drops other bytes cross-origin. It names its rooms, so it can never
 * be mistaken for another room's cursor.
 *
 * A checksum is three letters and may be left out. It shows that the log holds another event at
 * this seq: an older copy of the data was put back, and the room has grown again since.
 */
export type Cursor = { epoch: string; seqs: Map<number, number>; sums: Map<number, number> };

/** The position in one room. `sum` is the checksum of the event with this seq, if it is known. */
export type PositionInRoom = { room: number; seq: number; sum: number | undefined };

/**
 * The longest cursor with checksums. [Fetch 2.2.2] A browser drops a longer `Last-Event-ID` across
 * origins. Eight logs fit without checksums: 8 for the epoch and 8 × 15 for `.`, 6 digits of room,
 * `-` and 7 digits of seq, as long as rooms stay below a million and seqs below ten million. With
 * checksums, the digits of a room and its seq may be 10 together. With a single room, both may
 * count to 2⁵³.
 */
const LONGEST_WITH_SUMS = 128;

/** The longest cursor: 8 for the epoch and 15 for each of 16 logs. */
const LONGEST = 256;

/**
 * Returns a cursor as text, with rooms in ascending order, so that equal cursors are equal texts.
 * Leaves the checksums out if the text would be too long with them.
 */
export function formatCursor({ epoch, seqs, sums }: Cursor): string {
  const rooms = [...seqs].sort(([a], [b]) => a - b);
  let text = epoch;
  for (const [room, seq] of rooms) text += textOf({ room, seq, sum: sums.get(room) });
  if (text.length <= LONGEST_WITH_SUMS) return text;
  return epoch + rooms.map(([room, seq]) => textOf({ room, seq, sum: undefined })).join("");
}

/** Returns the cursor of a reader of one room as text. */
export function formatCursorIn(epoch: string, position: PositionInRoom): string {
  return epoch + textOf(position);
}

/** Parses a cursor. Returns `undefined` for any other text. */
export function parseCursor(text: string): Cursor | undefined {
  if (text.length > LONGEST || !SHAPE.test(text)) return undefined;
  const [epoch, ...positions] = text.split(".");
  const seqs = new Map<number, number>();
  const sums = new Map<number, number>();
  for (const position of positions) {
    const hasSum = position.charCodeAt(0) >= LETTER_A;
    const [room, seq] = (hasSum ? position.slice(SUM_LETTERS) : position).split("-").map(Number);
    if (!Number.isSafeInteger(room) || !Number.isSafeInteger(seq)) return undefined;
    seqs.set(room as number, seq as number);
    if (hasSum) sums.set(room as number, sumIn(position));
    else sums.delete(room as number);
  }
  if (seqs.size > LOGS_PER_READER) return undefined;
  return { epoch: epoch as string, seqs, sums };
}

/**
 * Returns the farther of two cursors, room by room. Cursors of different epochs cannot be compared:
 * returns the first.
 */
export function fartherCursor(a: Cursor, b: Cursor): Cursor {
  if (a.epoch !== b.epoch) return a;
  const seqs = new Map(a.seqs);
  const sums = new Map(a.sums);
  for (const [room, seq] of b.seqs) {
    const former = seqs.get(room) ?? -1;
    if (seq > former) sums.delete(room);
    const sum = b.sums.get(room);
    if (sum !== undefined && seq >= former && !sums.has(room)) sums.set(room, sum);
    seqs.set(room, Math.max(seq, former));
  }
  return { epoch: a.epoch, seqs, sums };
}

/**
 * Returns the checksum of an event: of its time and its author, which never change. Its text may be
 * edited or erased. Of 17,576 events that differ, one has the same checksum by chance.
 */
export function sumOf({ at, member }: Pick<RoomEvent, "at"> & { member?: { id: string } }): number {
  return (hashed(hashed(FNV_OFFSET, at), member?.id ?? "") >>> 0) % SUMS;
}

/** [FNV-1a, 32 bit] A few operations a character, and similar texts differ. */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

function hashed(start: number, text: string): number {
  let hash = start;
  for (let n = 0; n < text.length; n += 1) hash = Math.imul(hash ^ text.charCodeAt(n), FNV_PRIME);
  return hash;
}

const SUM_LETTERS = 3;
const SUMS = 26 ** SUM_LETTERS;
const LETTER_A = 97;

/** A checksum has no digits and precedes the room's number, so nothing has to separate them. */
function textOf({ room, seq, sum }: PositionInRoom): string {
  return `.${sum === undefined ? "" : lettersOf(sum)}${room}-${seq}`;
}

function lettersOf(sum: number): string {
  return String.fromCharCode(
    LETTER_A + Math.floor(sum / 676),
    LETTER_A + (Math.floor(sum / 26) % 26),
    LETTER_A + (sum % 26),
  );
}

function sumIn(letters: string): number {
  let sum = 0;
  for (let n = 0; n < SUM_LETTERS; n += 1) sum = sum * 26 + letters.charCodeAt(n) - LETTER_A;
  return sum;
}

const SHAPE = /^[a-z0-9]{1,8}(\.([a-z]{3})?\d{1,16}-\d{1,16})+$/;
