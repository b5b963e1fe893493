import { type Cursor, fartherCursor, parseCursor } from "../../protocol/cursor.ts";
import type { ResetReason, ResetSignal } from "../../protocol/event.ts";
import { type Entry, entryOf, frameOf } from "./frames.ts";
import { type Hub, PAGE_BYTES } from "./hub.ts";
import type { Reader } from "./reader.ts";
import type { Tail } from "./tail.ts";

/** What a reader's catching up is charged to. */
export type Account = {
  /** The network whose turn it is to read from the log. */
  network: string;
  /** Charges pages of PAGE_BYTES, also parts of one. Throws a refusal if that is too many. */
  charge(pages: number): void;
};

/**
 * Costs nothing: what a poll lacks that comes back after a second or two in a busy room. The polls that one network may
 * send get 8 MB a second this way.
 */
const FREE_BYTES = 8 * 1024;

/**
 * Puts a reader where its cursors say, before anything is written: the farther of them, room by room; without one,
 * from now on. Gives the resets to be told first, one for each room whose place in the log cannot be continued.
 */
export async function placeReader(hub: Hub, reader: Reader, cursors: string[]): Promise<ResetSignal[]> {
  const { epoch } = reader.tails[0] as Tail;
  const parsed = cursors.map(parseCursor).filter((cursor) => cursor !== undefined);
  const ours = parsed.filter((cursor) => cursor.epoch === epoch);
  const cursor = ours.length > 0 ? ours.reduce(fartherCursor) : undefined;
  const fault: ResetReason | undefined =
    cursors.length === 0 || cursor ? undefined : parsed.length > 0 ? "epoch" : "malformed";
  const lost: [Tail, ResetReason][] = [];
  for (const tail of reader.tails) {
    const place = await placeIn(hub, tail, cursor, fault);
    reader.place(tail, place.seq);
    if (place.reason) lost.push([tail, place.reason]);
  }
  const resets: ResetSignal[] = [];
  for (const [tail, reason] of lost) resets.push(await resetReader(hub, reader, tail, reason));
  // now that every room is placed, each of them tells the whole place
  return resets.map((reset) => ({ ...reset, cursor: reader.cursor() }));
}

/**
 * Brings a placed reader up to its tails and lets it live with them. From "the tail is a page away" to "it is among the
 * tail's readers" nothing is awaited, so there is neither a hole nor an overlap between backlog and live.
 */
export async function joinReader(hub: Hub, reader: Reader, account: Account): Promise<void> {
  for (const tail of reader.tails) {
    while (reader.isOpen && !isNear(reader, tail)) await writeBacklog(hub, reader, tail, account);
    if (!reader.isOpen) return;
    const bytes = tail.bytesAfter(reader.seqIn(tail));
    if (bytes > FREE_BYTES) account.charge(bytes / PAGE_BYTES);
    hub.attach(reader, tail);
  }
}

/** Rooms in memory, and where a reader stands in each. */
export type Position = { tails: Tail[]; seqs: number[] };

/**
 * Returns the position of a reader of these rooms with these cursors, if this node's tails reach there, so that joining
 * awaits nothing and the log need not be asked. `undefined` if it must be, or if so much is missing that it has to be
 * charged.
 */
export function positionAtOnce(hub: Hub, roomIds: number[], cursors: string[]): Position | undefined {
  const tails = roomIds.map(hub.tailOf);
  if (tails.includes(undefined)) return undefined;
  const position: Position = { tails: tails as Tail[], seqs: [] };
  const [first] = position.tails as [Tail];
  // where most stand: the head of one room
  if (tails.length === 1 && cursors.length === 1 && cursors[0] === first.cursorAt(first.sent)) {
    position.seqs.push(first.sent);
    return position;
  }
  const cursor = farthestOf(cursors, first.epoch);
  for (const tail of position.tails) {
    const seq = cursor?.seqs.get(tail.id);
    if (seq === undefined || cursor?.epoch !== tail.epoch || seq > tail.head) return undefined;
    if (!tail.reaches(seq) || tail.bytesAfter(seq) > FREE_BYTES) return undefined;
    position.seqs.push(seq);
  }
  return position;
}

/** The farthest of cursors that are all of this epoch. */
function farthestOf(cursors: string[], epoch: string): Cursor | undefined {
  const parsed = cursors.map(parseCursor).filter((cursor) => cursor?.epoch === epoch) as Cursor[];
  return parsed.length > 0 && parsed.length === cursors.length ? parsed.reduce(fartherCursor) : undefined;
}

type Place = { seq: number; reason?: ResetReason };

async function placeIn(hub: Hub, tail: Tail, cursor: Cursor | undefined, fault?: ResetReason): Promise<Place> {
  const seq = cursor?.seqs.get(tail.id);
  if (cursor === undefined && fault === undefined) return { seq: (await hub.bounds(tail)).head };
  // a cursor that does not name the room says nothing of it: as good as none, but somebody thought it would
  if (seq === undefined) return { seq: tail.sent, reason: fault ?? "malformed" };
  // ahead of this node, which may be a moment behind the one that gave the cursor: only the log can tell
  if (seq > tail.head && seq > (await hub.bounds(tail)).head) return { seq: tail.sent, reason: "future" };
  if (tail.reaches(seq)) return { seq };
  const { oldest } = await hub.bounds(tail);
  return seq + 1 < oldest ? { seq: tail.sent, reason: "pruned" } : { seq };
}

/** Puts the reader at the head of a room's log and says so: it lacks what lies before, and knows it. */
async function resetReader(hub: Hub, reader: Reader, tail: Tail, reason: ResetReason): Promise<ResetSignal> {
  const { head, oldest } = await hub.bounds(tail);
  hub.countReset(reason);
  reader.place(tail, head);
  return { room: tail.slug, reason, cursor: reader.cursor(), oldest, head };
}

/** Is what the reader lacks in memory, and no more than it can be handed at once? */
function isNear(reader: Reader, tail: Tail): boolean {
  const seq = reader.seqIn(tail);
  return tail.reaches(seq) && tail.bytesAfter(seq) <= PAGE_BYTES;
}

/** Writes one page of what the reader missed, and waits until it is worth writing the next. */
async function writeBacklog(hub: Hub, reader: Reader, tail: Tail, account: Account): Promise<void> {
  const after = reader.seqIn(tail);
  account.charge(1);
  const page = tail.reaches(after)
    ? pageOf(tail, after)
    : (await hub.backlog(tail, after, account.network)).map(entryOf);
  // up to the first hole: pruned while the reader caught up, or deleted by hand
  const entries = page.filter((entry, index) => entry.seq === after + 1 + index);
  if (!reader.isOpen) return;
  if (entries.length === 0) {
    const signal = await resetReader(hub, reader, tail, "pruned");
    reader.transport.signal({ name: "reset", data: [signal] }, reader);
    return;
  }
  const frame = frameOf(reader.transport.format, entries, (seq) => {
    reader.place(tail, seq);
    return reader.cursor();
  });
  reader.place(tail, entries.at(-1)?.seq as number);
  reader.transport.write(frame, reader);
  await reader.transport.drained();
}

/** The first page of what a tail has after a seq, one event in any case. */
function pageOf(tail: Tail, after: number): Entry[] {
  let bytes = 0;
  return tail.entriesAfter(after).filter((entry, index) => {
    bytes += entry.bytes;
    return index === 0 || bytes <= PAGE_BYTES;
  });
}
