import { type Cursor, fartherCursor, parseCursor } from "../../protocol/cursor.ts";
import type { ResetReason, ResetSignal } from "../../protocol/event.ts";
import type { Bounds, Rooms } from "./rooms.ts";
import { cursorOf, type Tail } from "./tail.ts";

/** Rooms in memory, and a seq in each from which a reader reads on. */
export type ReaderPosition = { tails: Tail[]; seqs: number[] };

/**
 * Where a reader starts in its rooms, and a reset for each room whose log its cursor cannot
 * continue.
 */
export type ReaderStart = { seqs: number[]; resets: ResetSignal[] };

/** The cursor of a request, or why there is none although the request has some. */
type Claim = { cursor: Cursor | undefined; fault: ResetReason | undefined };

/**
 * The backlog that is free: that of a poll which returns after a second or two in a busy room. The
 * polls that one network may send get 8 MB a second this way.
 */
export const FREE_BYTES = 8 * 1024;

/**
 * Returns where a reader with these cursors starts: in each room at the farther of them, without a
 * cursor at the head, and at the head with a reset if the log cannot be continued from there.
 * Queries the log only where the tails do not suffice.
 */
export async function startOf(rooms: Pick<Rooms, "bounds">, tails: Tail[], cursors: string[]): Promise<ReaderStart> {
  const claim = claimOf(cursors, (tails[0] as Tail).epoch);
  const seqs: number[] = [];
  const lost: { room: string; reason: ResetReason; bounds: Bounds }[] = [];
  for (const tail of tails) {
    let seq = seqInMemory(tail, claim.cursor);
    if (seq === undefined) {
      const bounds = await rooms.bounds(tail);
      const reason = reasonToReset(tail, claim, bounds);
      if (reason) lost.push({ room: tail.slug, reason, bounds });
      seq = (reason ? undefined : claim.cursor?.seqs.get(tail.id)) ?? bounds.head;
    }
    seqs.push(seq);
  }
  // Each reset holds the cursor of all rooms, so all seqs have to be known first.
  const cursor = cursorOf(tails, seqs);
  const resets = lost.map(({ room, reason, bounds: { oldest, head } }) => ({ room, reason, cursor, oldest, head }));
  return { seqs, resets };
}

/**
 * Returns the position of a reader of these rooms with these cursors, if it can start there without
 * asking the log. Returns `undefined` if the log has to be asked, or if so much is missing that it
 * has to be charged.
 */
export function positionInMemory(rooms: Rooms, roomIds: number[], cursors: string[]): ReaderPosition | undefined {
  const tails = rooms.tailsOf(roomIds);
  if (tails.length < roomIds.length) return undefined;
  const [first] = tails as [Tail];
  // Most readers are at the head of one room.
  if (tails.length === 1 && cursors.length === 1 && cursors[0] === first.cursorAt(first.sent))
    return { tails, seqs: [first.sent] };
  const { cursor } = claimOf(cursors, first.epoch);
  const seqs: number[] = [];
  for (const tail of tails) {
    const seq = seqInMemory(tail, cursor);
    if (seq === undefined || tail.bytesAfter(seq) > FREE_BYTES) return undefined;
    seqs.push(seq);
  }
  return { tails, seqs };
}

/** Cursors that are malformed or of another log are ignored if there is one of this log. */
function claimOf(cursors: string[], epoch: string): Claim {
  const parsed = cursors.map(parseCursor).filter((cursor) => cursor !== undefined);
  const ours = parsed.filter((cursor) => cursor.epoch === epoch);
  if (ours.length > 0) return { cursor: ours.reduce(fartherCursor), fault: undefined };
  if (cursors.length === 0) return { cursor: undefined, fault: undefined };
  return { cursor: undefined, fault: parsed.length > 0 ? "epoch" : "malformed" };
}

function seqInMemory(tail: Tail, cursor: Cursor | undefined): number | undefined {
  const seq = cursor?.seqs.get(tail.id);
  return seq !== undefined && seq <= tail.head && tail.reaches(seq) ? seq : undefined;
}

function reasonToReset(tail: Tail, { cursor, fault }: Claim, { head, oldest }: Bounds): ResetReason | undefined {
  if (cursor === undefined) return fault;
  const seq = cursor.seqs.get(tail.id);
  // A cursor that does not name the room is as good as none, but the client expects to be
  // continued.
  if (seq === undefined) return "malformed";
  // The tail may be a moment behind the node that issued the cursor, so only the log can tell.
  if (seq > Math.max(tail.head, head)) return "future";
  return seq + 1 < oldest ? "pruned" : undefined;
}
