import { type Cursor, fartherCursor, parseCursor } from "../../protocol/cursor.ts";
import type { ResetReason, ResetSignal } from "../../protocol/event.ts";
import type { Bounds, Rooms } from "./rooms.ts";
import { cursorOf, type Sums, type Tail } from "./tail.ts";

/** Rooms in memory, and a seq in each from which a reader reads on. */
export type ReaderPosition = { tails: Tail[]; seqs: number[] };

/**
 * Where a reader starts in its rooms, the checksums of the events there as far as they are known,
 * and a reset for each room whose log its cursor cannot continue.
 */
export type ReaderStart = { seqs: number[]; sums: Sums; resets: ResetSignal[] };

/**
 * The farthest cursor of a request, or why there is none although the request has some. `all` are
 * its cursors of this log.
 */
type Claim = { cursor: Cursor | undefined; fault: ResetReason | undefined; all: Cursor[] };

/**
 * The backlog that is free: that of a poll which returns after a second or two in a busy room. The
 * polls that one network may send get 8 MB a second this way.
 */
export const FREE_BYTES = 8 * 1024;

/** The questions about a room that only the log can answer. */
type Log = Pick<Rooms, "bounds" | "sumAt">;

/**
 * Returns where a reader with these cursors starts: in each room at the farther of them, without a
 * cursor at the head. If the log cannot be continued from there, it starts with a reset: before the
 * oldest event if those before were pruned, otherwise at the head. Queries the log only where the
 * tails do not suffice.
 */
export async function startOf(
  log: Log,
  tails: Tail[],
  { cursors, firsts }: { cursors: string[]; firsts?: number[] | undefined },
): Promise<ReaderStart> {
  const claim = claimOf(cursors, (tails[0] as Tail).epoch);
  const starts: StartInRoom[] = [];
  for (const tail of tails) starts.push(startInMemory(tail, claim.cursor) ?? (await startInLog(log, tail, claim)));
  for (const [n, start] of starts.entries()) skipTo(start, tails[n] as Tail, firsts?.[n] ?? 1);
  const seqs = starts.map(({ seq }) => seq);
  const sums = starts.map(({ sum }) => sum);
  // Each reset holds the cursor of all rooms, so all seqs have to be known first.
  const cursor = cursorOf(tails, seqs, sums);
  const resets = starts.flatMap(({ lost }) => (lost ? [{ ...lost, cursor }] : []));
  return { seqs, sums, resets };
}

/** Where a reader starts in a room, and the reset if it cannot continue there. */
type StartInRoom = { seq: number; sum: number | undefined; lost?: Omit<ResetSignal, "cursor"> };

/** Moves a start to the first event that the reader may see. Events before it count as pruned. */
function skipTo(start: StartInRoom, tail: Tail, first: number): void {
  if (start.seq >= first - 1) return;
  const head = Math.max(tail.head, start.lost?.head ?? 0);
  Object.assign(start, { seq: first - 1, sum: undefined });
  start.lost = { room: tail.slug, reason: "pruned", oldest: first, head };
}

function startInMemory(tail: Tail, cursor: Cursor | undefined): StartInRoom | undefined {
  if (isNewInbox(tail, cursor) && tail.reaches(0)) return { seq: 0, sum: undefined };
  const seq = seqInMemory(tail, cursor);
  return seq === undefined ? undefined : { seq, sum: cursor?.sums.get(tail.id) };
}

async function startInLog(log: Log, tail: Tail, claim: Claim): Promise<StartInRoom> {
  const bounds = await log.bounds(tail);
  const { head, oldest, sum } = bounds;
  if (isNewInbox(tail, claim.cursor)) return { seq: oldest - 1, sum: undefined };
  const reason = reasonToReset(tail, claim, bounds) ?? (await reasonByEvent(log, tail, { claim, bounds }));
  const nearer = reason === "future" || reason === "epoch" ? nearerClaim(tail, claim, head) : undefined;
  if (nearer !== undefined) return startInLog(log, tail, nearer);
  if (reason !== undefined) {
    const lost = { room: tail.slug, reason, oldest, head };
    return reason === "pruned" ? { seq: oldest - 1, sum: undefined, lost } : { seq: head, sum, lost };
  }
  const seq = claim.cursor?.seqs.get(tail.id);
  return seq === undefined ? { seq: head, sum } : { seq, sum: claim.cursor?.sums.get(tail.id) };
}

/**
 * Returns the claim without the cursor that this log does not have. A browser's EventSource repeats
 * the cursor of its URL at each reconnect, next to the Last-Event-ID that a reset gave it, and must
 * not be reset again each time.
 */
function nearerClaim(tail: Tail, { cursor, all }: Claim, head: number): Claim | undefined {
  const lost = cursor?.seqs.get(tail.id) ?? 0;
  const left = all.filter(({ seqs }) => {
    const seq = seqs.get(tail.id) ?? lost;
    return seq < lost && seq <= head;
  });
  // One other cursor is what an EventSource has, and each may take a query.
  return left.length === 0 ? undefined : { cursor: left.reduce(fartherCursor), fault: undefined, all: [] };
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

/**
 * Returns whether a cursor is from before its reader had this inbox, so that all whispers are new
 * to the reader. A cursor that is given with an inbox names it.
 */
function isNewInbox(tail: Tail, cursor: Cursor | undefined): boolean {
  return tail.isInbox && cursor !== undefined && !cursor.seqs.has(tail.id);
}

/** Cursors that are malformed or of another log are ignored if there is one of this log. */
function claimOf(cursors: string[], epoch: string): Claim {
  const parsed = cursors.map(parseCursor).filter((cursor) => cursor !== undefined);
  const ours = parsed.filter((cursor) => cursor.epoch === epoch);
  if (ours.length > 0) return { cursor: ours.reduce(fartherCursor), fault: undefined, all: ours };
  if (cursors.length === 0) return { cursor: undefined, fault: undefined, all: ours };
  return { cursor: undefined, fault: parsed.length > 0 ? "epoch" : "malformed", all: ours };
}

/** Returns the cursor's seq if the tail can continue it and has the event of its checksum. */
function seqInMemory(tail: Tail, cursor: Cursor | undefined): number | undefined {
  const seq = cursor?.seqs.get(tail.id);
  if (seq === undefined || seq > tail.head || !tail.reaches(seq)) return undefined;
  const sum = cursor?.sums.get(tail.id);
  return sum === undefined || seq === 0 || tail.isEmpty() || tail.sumAt(seq) === sum ? seq : undefined;
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

/**
 * Returns `epoch` if the log has another event at the cursor's seq: an older copy of the data was
 * put back while no node ran, and the room has grown past this seq since. An event that was pruned
 * proves nothing.
 */
async function reasonByEvent(
  log: Log,
  tail: Tail,
  { claim: { cursor }, bounds }: { claim: Claim; bounds: Bounds },
): Promise<ResetReason | undefined> {
  const seq = cursor?.seqs.get(tail.id);
  const sum = cursor?.sums.get(tail.id);
  if (seq === undefined || sum === undefined || seq < bounds.oldest) return undefined;
  // The bounds have the checksum of the last event, which a tail that is a moment behind lacks.
  const known = seq === bounds.head ? bounds.sum : tail.sumAt(seq);
  const found = known ?? (await log.sumAt(tail, seq));
  return found === undefined || found === sum ? undefined : "epoch";
}
