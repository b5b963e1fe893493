import { formatCursor } from "../../protocol/cursor.ts";
import type {
  ByeSignal,
  HelloSignal,
  MembersSignal,
  PingSignal,
  ResetSignal,
  TypingSignal,
} from "../../protocol/event.ts";
import { type Format, frameOf } from "./frames.ts";
import type { Place } from "./slots.ts";
import type { Tail } from "./tail.ts";

/** What passes to a reader beside events. */
export type Signal =
  | { name: "hello"; data: HelloSignal }
  | { name: "ping"; data: PingSignal }
  | { name: "members"; data: MembersSignal }
  | { name: "typing"; data: TypingSignal }
  | { name: "reset"; data: ResetSignal[] }
  | { name: "bye"; data: ByeSignal };

/** The ways there are. */
export const TRANSPORTS = ["sse", "stream", "frame", "poll", "page"] as const;

/** A way of carrying frames to one browser. It gets bytes that are encoded already, and is told when to end. */
export type Transport = {
  readonly name: (typeof TRANSPORTS)[number];
  readonly format: Format;
  /** Milliseconds until beat() is due the first time. */
  readonly firstBeatMs: number;
  write(frame: Buffer, reader: Reader): void;
  signal(signal: Signal, reader: Reader): void;
  /** The clock's call: a stream pings, a poll answers. Gives the milliseconds until the next one, if any. */
  beat(reader: Reader): number | undefined;
  /** Bytes that were written and have not left this process. */
  unsent(): number;
  /** Resolves when it is worth writing on, or when the connection has ended. */
  drained(): Promise<void>;
  end(reader: Reader): void;
};

/** [trust I10] Somebody who does not read is closed, not buffered for; 1000 of them are 256 MB at the very worst. */
const UNSENT_LIMIT = 256 * 1024;

/** A connection with a place: a reader, or a kept poll connection, which has one also while no poll waits on it. */
export type Occupant = Reader | KeptConnection;

/** A connection that is kept between polls. */
export type KeptConnection = { hangUp(bye: ByeSignal): void };

/** One connection's place in the logs of its rooms. */
export class Reader {
  readonly tails: Tail[];
  readonly transport: Transport;
  /** The member that reads, if it is one; it need not be in the room. */
  readonly memberId: string | undefined;
  /** The request's nonce, if it was a stream's: by it the client confirms the stream. */
  nonce: string | undefined;
  isOpen = true;
  /** When the client last sent something on this connection or about it. */
  seenAt = performance.now();
  /** Does its client confirm it? */
  isConfirmed = false;
  /** Its place among all readers; a poll on a kept connection uses the connection's. */
  admission: Place<Occupant> | undefined;
  /** When the clock calls it next; see beat.ts. */
  dueTick = 0;
  /** By the place of the room in `tails`; most readers have one, and a Map would cost each of them 200 bytes. */
  #seqs: number[];

  constructor(tails: Tail[], transport: Transport, memberId: string | undefined) {
    this.tails = tails;
    this.transport = transport;
    this.memberId = memberId;
    this.#seqs = tails.map(() => 0);
  }

  /** Notes that the client has confirmed this stream. */
  confirm(): void {
    this.seenAt = performance.now();
    this.isConfirmed = true;
  }

  /**
   * Returns the milliseconds until the client must have sent something, `patienceMs` after the last time. A client that
   * only watches and has never confirmed need not send anything.
   */
  untilDue(patienceMs: number): number {
    const isDue = this.memberId !== undefined || this.isConfirmed;
    return isDue ? this.seenAt + patienceMs - performance.now() : Number.POSITIVE_INFINITY;
  }

  /** How far this reader has come in a room; moves only forward, with what is written. */
  seqIn(tail: Tail): number {
    return this.#seqs[this.#indexOf(tail)] as number;
  }

  /** Puts the reader where its cursor, or a reset, says. */
  place(tail: Tail, seq: number): void {
    this.#seqs[this.#indexOf(tail)] = seq;
  }

  /** How far it has come in all its rooms. */
  cursor(): string {
    const [tail] = this.tails as [Tail];
    if (this.tails.length === 1) return tail.cursorAt(this.#seqs[0] as number);
    return formatCursor({
      epoch: tail.epoch,
      seqs: new Map(this.tails.map(({ id }, n) => [id, this.#seqs[n] as number])),
    });
  }

  /** How far the logs of its rooms have come, by slug; while it catches up, farther than the reader. */
  heads(): { [room: string]: number } {
    return Object.fromEntries(this.tails.map((tail, n) => [tail.slug, Math.max(tail.sent, this.#seqs[n] as number)]));
  }

  /** The reader's place, which it may come back with, and the heads of its rooms, by which it sees what it lacks. */
  ping(): Signal {
    const [tail] = this.tails as [Tail];
    if (this.tails.length === 1 && this.#seqs[0] === tail.sent) return tail.ping();
    return { name: "ping", data: { cursor: this.cursor(), heads: this.heads() } };
  }

  /** Hands over what this tail has beyond the reader's place. */
  advance(tail: Tail): void {
    const index = this.#indexOf(tail);
    const after = this.#seqs[index] as number;
    if (!this.isOpen || after >= tail.sent) return;
    const { format } = this.transport;
    // of several rooms, each event's id must tell all positions, so only then are the bytes the reader's own
    const isShared = this.tails.length === 1 || format === "json";
    const frame = isShared
      ? tail.frameAfter(after, format)
      : frameOf(format, tail.entriesAfter(after), (seq) => this.#cursorWith(index, seq));
    this.#seqs[index] = tail.sent;
    this.transport.write(frame, this);
  }

  /** Has it left too much unread to be handed more? What it was handed last does not count: nobody reads that fast. */
  isSlow(): boolean {
    return this.transport.unsent() > UNSENT_LIMIT;
  }

  #indexOf(tail: Tail): number {
    return this.tails.length === 1 ? 0 : this.tails.indexOf(tail);
  }

  /** The cursor as it is once `seq` of this room is seen. */
  #cursorWith(index: number, seq: number): string {
    this.#seqs[index] = seq;
    return this.cursor();
  }
}
