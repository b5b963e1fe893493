import { formatCursor } from "../../protocol/cursor.ts";
import type { MembersSignal, RoomEvent } from "../../protocol/event.ts";
import { type EncodedEvent, encodeEvent, type FrameFormat, frameOf } from "./frames.ts";
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
  readonly title: string;
  readonly epoch: string;
  /** Last seq read from the log. */
  head: number;
  /** Last seq handed to readers. */
  sent: number;
  /** How many members and visitors the room has, once known. */
  members: MembersSignal | undefined;
  usedAt = performance.now();
  /** When the room was last read, and how long handing out its events took; see tick.ts. */
  tickedAt = Number.NEGATIVE_INFINITY;
  flushMs = 0;
  #events: EncodedEvent[] = [];
  #bytes = 0;
  #frames = new Map<FrameFormat, { after: number; sent: number; frame: Buffer }>();
  #cursor: { seq: number; text: string } | undefined;
  #ping: { sent: number; signal: Signal } | undefined;

  constructor(room: { id: number; slug: string; title: string }, epoch: string, after: number) {
    this.id = room.id;
    this.slug = room.slug;
    this.title = room.title;
    this.epoch = epoch;
    this.head = after;
    this.sent = after;
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
    }
    return true;
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
    const frame = frameOf(format, this.eventsAfter(after), (seq) => this.cursorAt(seq));
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

  /**
   * Returns the cursor of a reader that follows this room alone. Thousands of readers are at the
   * same seq.
   */
  cursorAt(seq: number): string {
    if (this.#cursor?.seq !== seq)
      this.#cursor = { seq, text: formatCursor({ epoch: this.epoch, seqs: new Map([[this.id, seq]]) }) };
    return this.#cursor.text;
  }

  /**
   * Returns the ping of readers that follow this room alone and are up to date, encoded once while
   * it is quiet.
   */
  ping(): Signal {
    if (this.#ping?.sent === this.sent) return this.#ping.signal;
    const data = { cursor: this.cursorAt(this.sent), heads: { [this.slug]: this.sent } };
    this.#ping = { sent: this.sent, signal: { name: "ping", data } };
    return this.#ping.signal;
  }

  #push(event: EncodedEvent): void {
    this.#events.push(event);
    this.#bytes += event.bytes;
  }

  #isOverfull(): boolean {
    return this.#events.length > TAIL_EVENTS || (this.#bytes > TAIL_BYTES && this.#events.length > 1);
  }
}

/** Returns the cursor of a reader that has come to these seqs in these rooms. */
export function cursorOf(tails: Tail[], seqs: number[]): string {
  const [first] = tails as [Tail];
  if (tails.length === 1) return first.cursorAt(seqs[0] as number);
  return formatCursor({ epoch: first.epoch, seqs: new Map(tails.map(({ id }, n) => [id, seqs[n] as number])) });
}
