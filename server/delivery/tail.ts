import { logName } from "../../db/log/event-row.ts";
import { type Cursor, formatCursor, formatCursorIn, sumOf } from "../../protocol/cursor.ts";
import type { MembersSignal, RoomEdit, RoomErase, RoomEvent, RoomUnname } from "../../protocol/event.ts";
import { isInbox } from "../../protocol/inbox.ts";
import { afterChange } from "./change.ts";
import { type EncodedEvent, encodeEvent, type FrameFormat, frameOf } from "./frames.ts";
import { type RoomNow, roomNowOf, type TailRoom } from "./room-now.ts";
import type { Signal } from "./signal.ts";

/**
 * Events of a room kept in memory: two minutes of a busy room. A crowd that comes back is served
 * from here.
 */
export const TAIL_EVENTS = 512;

/**
 * The limit of their encoded size: 500 open rooms take 128 MiB at most, and 30 of the longest
 * messages still fit.
 */
const TAIL_BYTES = 256 * 1024;

/** The newest events of one room, encoded. */
export class Tail {
  readonly id: number;
  readonly slug: string;
  /** Whether it is a member's whispers in a room. `slug` is its name for that member. */
  readonly isInbox: boolean;
  readonly epoch: string;
  /** The room's settings, roles and rules as they are now. */
  room: RoomNow;
  /** Another number whenever people may do something else in the room than before. */
  version = nextVersion();
  /** Until then, answers to polls contain the room's settings, which have just changed. */
  shownUntil = 0;
  /** Last seq read from the log. */
  head: number;
  /** Last seq handed to readers. */
  sent: number;
  /** How many members and visitors the room has, once known. */
  members: MembersSignal | undefined;
  /** The seconds since the log was last read, if it cannot be read. */
  stale: number | undefined;
  usedAt = performance.now();
  /** When the room was last read, and how long handing out its events took; see tick.ts. */
  tickedAt = Number.NEGATIVE_INFINITY;
  flushMs = 0;
  #events: EncodedEvent[] = [];
  #bytes = 0;
  /** Changes of messages that this node has made, and not read in the log yet. */
  #ahead: (RoomEdit | RoomErase | RoomUnname)[] = [];
  #frames = new Map<FrameFormat, { after: number; sent: number; frame: Buffer }>();
  #cursor: { seq: number; sum: number | undefined; text: string } | undefined;
  #ping: { sent: number; stale: number | undefined; signal: Signal } | undefined;

  constructor(room: TailRoom, epoch: string, after: number) {
    this.id = room.id;
    this.slug = logName(room.slug);
    this.isInbox = isInbox(room.slug);
    this.room = roomNowOf({ ...room, slug: this.slug });
    this.epoch = epoch;
    this.head = after;
    this.sent = after;
  }

  get title(): string {
    return this.room.title;
  }

  /** Whether the room is in the list of rooms. */
  get isPublic(): boolean {
    return this.room.isPublic;
  }

  /** Whether members may enter silently. */
  get allowsSilence(): boolean {
    return this.room.allowsSilence;
  }

  /** Takes in what has changed about the room. */
  become(room: TailRoom): void {
    this.room = roomNowOf({ ...room, slug: this.slug });
    this.version = nextVersion();
  }

  /**
   * Adds the next events of the log. Returns `false` if they do not follow the last one: the log
   * was changed.
   */
  append(events: RoomEvent[]): boolean {
    for (const event of events) {
      if (event.seq !== this.head + 1) return false;
      this.#push(encodeEvent(event));
      this.head = event.seq;
      if (event.kind === "edit" || event.kind === "erase" || event.kind === "unname") this.change(event);
    }
    if (this.#ahead.length > 0) this.#applyAhead();
    return true;
  }

  /**
   * Removes the former text of a message that was edited or erased, or a name that was erased, so
   * that no reader that comes from before it gets that text. The event need not be in the tail yet.
   * A read of the log that began before its commit may still bring the former text, so it is
   * applied again then.
   */
  change(event: RoomEdit | RoomErase | RoomUnname): void {
    if (event.seq > this.head) this.#ahead.push(event);
    const first = this.head - this.#events.length + 1;
    const start = event.kind === "unname" ? 0 : event.target - first;
    for (let index = Math.max(0, start); index < this.#events.length; index += 1) {
      const before = this.#events[index] as EncodedEvent;
      const after = afterChange(before, event);
      this.#events[index] = after;
      this.#bytes += after.bytes - before.bytes;
    }
    // They were made of the former text.
    this.#frames.clear();
  }

  /**
   * Drops the oldest events beyond the limits, except those not handed out yet: each stream would
   * have a gap.
   */
  trim(): void {
    while (this.#isOverfull() && (this.#events[0] as EncodedEvent).seq <= this.sent)
      this.#bytes -= (this.#events.shift() as EncodedEvent).bytes;
  }

  /** Returns whether the events in memory follow this seq without a gap. */
  reaches(after: number): boolean {
    return after >= this.head - this.#events.length;
  }

  /**
   * Returns the bytes of all events after `after` that may be sent, the same Buffer for each reader
   * at that seq.
   */
  frameAfter(after: number, format: FrameFormat): Buffer {
    const known = this.#frames.get(format);
    if (known?.after === after && known.sent === this.sent) return known.frame;
    const frame = frameOf(format, this.eventsAfter(after), ({ seq, sum }) => this.cursorAt(seq, sum));
    this.#frames.set(format, { after, sent: this.sent, frame });
    return frame;
  }

  /** Returns the events after `after` that may be sent. */
  eventsAfter(after: number): EncodedEvent[] {
    const first = this.head - this.#events.length + 1;
    return this.#events.slice(Math.max(0, after + 1 - first), this.sent + 1 - first);
  }

  /** Returns the size of the events after `after` that may be sent. */
  bytesAfter(after: number): number {
    return this.eventsAfter(after).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Returns the checksum of the event with this seq; `undefined` if it is not in memory. */
  sumAt(seq: number): number | undefined {
    const index = seq - 1 - (this.head - this.#events.length);
    return index < 0 ? undefined : this.#events[index]?.sum;
  }

  /** Returns whether no event is in memory, because the room has none, or all were pruned. */
  isEmpty(): boolean {
    return this.#events.length === 0;
  }

  /**
   * Returns the cursor of a reader that follows this room alone. Thousands of readers are at the
   * same seq. `sum` is the checksum of the event with this seq.
   */
  cursorAt(seq: number, sum = this.sumAt(seq)): string {
    const known = this.#cursor;
    if (known !== undefined && known.seq === seq && known.sum === sum) return known.text;
    const text = formatCursorIn(this.epoch, { room: this.id, seq, sum });
    this.#cursor = { seq, sum, text };
    return text;
  }

  /** Returns the cursor after an event of this room. */
  cursorAfter(event: RoomEvent): string {
    return this.cursorAt(event.seq, sumOf(event));
  }

  /**
   * Returns the ping of readers that follow this room alone and are up to date, encoded once while
   * it is quiet.
   */
  ping(): Signal {
    const { sent, stale } = this;
    if (this.#ping?.sent === sent && this.#ping.stale === stale) return this.#ping.signal;
    const data = { cursor: this.cursorAt(sent), heads: { [this.slug]: sent }, ...(stale !== undefined && { stale }) };
    this.#ping = { sent, stale, signal: { name: "ping", data } };
    return this.#ping.signal;
  }

  #applyAhead(): void {
    const ahead = this.#ahead;
    this.#ahead = [];
    for (const event of ahead) this.change(event);
  }

  #push(event: EncodedEvent): void {
    this.#events.push(event);
    this.#bytes += event.bytes;
  }

  #isOverfull(): boolean {
    return this.#events.length > TAIL_EVENTS || (this.#bytes > TAIL_BYTES && this.#events.length > 1);
  }
}

let versions = 0;

/** Returns a number that no tail has had. */
export function nextVersion(): number {
  versions += 1;
  return versions;
}

/**
 * Returns a number that is another one whenever people may do something else in one of the rooms.
 */
export function versionOf(tails: Tail[]): number {
  let sum = 0;
  for (const { version } of tails) sum += version;
  return sum;
}

/** The checksums of events that may not be in memory, in the order of a reader's tails. */
export type Sums = (number | undefined)[];

/**
 * Returns the cursor of a reader that has come to these seqs in these rooms. `sums` has the
 * checksums of the events that the tails may not have.
 */
export function cursorOf(tails: Tail[], seqs: number[], sums?: Sums): string {
  const [first] = tails as [Tail];
  if (tails.length === 1) return first.cursorAt(seqs[0] as number, sumIn(first, seqs[0] as number, sums?.[0]));
  const cursor: Cursor = { epoch: first.epoch, seqs: new Map(), sums: new Map() };
  tails.forEach((tail, n) => {
    const seq = seqs[n] as number;
    const sum = sumIn(tail, seq, sums?.[n]);
    cursor.seqs.set(tail.id, seq);
    if (sum !== undefined) cursor.sums.set(tail.id, sum);
  });
  return formatCursor(cursor);
}

function sumIn(tail: Tail, seq: number, otherwise: number | undefined): number | undefined {
  return tail.sumAt(seq) ?? otherwise;
}
