import { formatCursor } from "../../protocol/cursor.ts";
import type { MembersSignal, RoomEvent } from "../../protocol/event.ts";
import { type Entry, entryOf, type Format, frameOf } from "./frames.ts";
import type { Reader, Signal } from "./reader.ts";

/** Events of a room kept in memory: two minutes of a busy room; a crowd that comes back is served from here. */
export const TAIL_EVENTS = 512;

/** Their encoded size at most: 500 open rooms of this size are 128 MiB, and the longest messages still leave 30 of them. */
const TAIL_BYTES = 256 * 1024;

/** The newest events of one room, encoded, and the readers that have come up to them. */
export class Tail {
  readonly id: number;
  readonly slug: string;
  readonly title: string;
  readonly epoch: string;
  readonly readers = new Set<Reader>();
  /** Last seq read from the log. */
  head: number;
  /** Last seq handed to readers. */
  sent: number;
  /** The room's figures, once known. */
  members: MembersSignal | undefined;
  usedAt = performance.now();
  /** When its news were last asked for, and how long it took to hand them out; see beat.ts. */
  begunAt = Number.NEGATIVE_INFINITY;
  flushMs = 0;
  #entries: Entry[] = [];
  #bytes = 0;
  #frames = new Map<Format, { after: number; sent: number; frame: Buffer }>();
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

  /** Takes the next events of the log; `false` when they do not follow on what is here: the log has changed under us. */
  append(events: RoomEvent[]): boolean {
    for (const event of events) {
      // read for a tail of this room that was forgotten and loaded anew meanwhile
      if (event.seq <= this.head) continue;
      if (event.seq !== this.head + 1) return false;
      this.#push(entryOf(event));
      this.head = event.seq;
    }
    return true;
  }

  /** Lets go of the oldest events that are too many. What was not handed out yet stays: dropped, it would be a gap in every stream. */
  trim(): void {
    while (this.#isOverfull() && (this.#entries[0] as Entry).seq <= this.sent)
      this.#bytes -= (this.#entries.shift() as Entry).bytes;
  }

  /** Do the events in memory follow without a gap on this seq? */
  reaches(after: number): boolean {
    return after >= this.head - this.#entries.length;
  }

  /** The bytes of all events after `after` that may be sent; the same Buffer for every reader that stands there. */
  frameAfter(after: number, format: Format): Buffer {
    const known = this.#frames.get(format);
    if (known?.after === after && known.sent === this.sent) return known.frame;
    const frame = frameOf(format, this.entriesAfter(after), (seq) => this.cursorAt(seq));
    this.#frames.set(format, { after, sent: this.sent, frame });
    return frame;
  }

  /** The encoded events after `after` that may be sent. */
  entriesAfter(after: number): Entry[] {
    const first = this.head - this.#entries.length + 1;
    return this.#entries.slice(Math.max(0, after + 1 - first), this.sent + 1 - first);
  }

  /** The size of the events after `after` that may be sent. */
  bytesAfter(after: number): number {
    return this.entriesAfter(after).reduce((bytes, entry) => bytes + entry.bytes, 0);
  }

  /** The cursor of a reader that follows this room alone; thousands stand at the same place. */
  cursorAt(seq: number): string {
    if (this.#cursor?.seq !== seq)
      this.#cursor = { seq, text: formatCursor({ epoch: this.epoch, seqs: new Map([[this.id, seq]]) }) };
    return this.#cursor.text;
  }

  /** The ping of all who follow this room alone and have all it has: encoded once while nothing is said. */
  ping(): Signal {
    if (this.#ping?.sent === this.sent) return this.#ping.signal;
    const data = { cursor: this.cursorAt(this.sent), heads: { [this.slug]: this.sent } };
    this.#ping = { sent: this.sent, signal: { name: "ping", data } };
    return this.#ping.signal;
  }

  #push(entry: Entry): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
  }

  #isOverfull(): boolean {
    return this.#entries.length > TAIL_EVENTS || (this.#bytes > TAIL_BYTES && this.#entries.length > 1);
  }
}
