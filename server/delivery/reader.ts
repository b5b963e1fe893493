import type { ByeSignal } from "../../protocol/event.ts";
import type { Actor } from "../actor.ts";
import { type EncodedEvent, type FrameFormat, frameOf } from "./frames.ts";
import type { Signal } from "./signal.ts";
import type { Slot } from "./slots.ts";
import { cursorOf, type Sums, type Tail } from "./tail.ts";

/** The names of all transports. */
export const TRANSPORTS = ["sse", "stream", "frame", "poll", "page"] as const;

/** Carries frames that are already encoded to one browser. */
export type ReaderTransport = {
  readonly name: (typeof TRANSPORTS)[number];
  readonly format: FrameFormat;
  /** Milliseconds until the first heartbeat. */
  readonly firstHeartbeatMs: number;
  write(frame: Buffer, reader: Reader): void;
  signal(signal: Signal, reader: Reader): void;
  /**
   * Lets a stream ping and a poll answer. Returns the milliseconds until the next heartbeat, if
   * there is to be one.
   */
  heartbeat(reader: Reader): number | undefined;
  /** Returns the bytes that were written and have not left this process. */
  unsent(): number;
  /** Resolves when the client has read enough to be sent more, or when the connection has ended. */
  drained(): Promise<void>;
  end(reader: Reader): void;
};

/**
 * [trust I10] A client that does not read is disconnected instead of buffered for: 1,000 of them
 * are 256 MB at worst.
 */
const UNSENT_LIMIT = 256 * 1024;

/**
 * A connection with a slot: a reader, or a kept poll connection, which has one also while no poll
 * waits on it.
 */
export type Occupant = Reader | KeptConnection;

/** A connection that is kept between polls. */
export type KeptConnection = { hangUp(bye: ByeSignal): void };

/** One connection that receives events, and how far it has come in the logs of its rooms. */
export class Reader {
  /** Its rooms, and after them its inboxes there. */
  tails: Tail[];
  readonly transport: ReaderTransport;
  /** The member that reads, if it is one; it need not be in the room. */
  readonly memberId: string | undefined;
  /**
   * Whether it may read the whispers of its member: no page of another site can have caused the
   * request.
   */
  readsWhispers = false;
  /**
   * The person that reads, who may lose the right to. `undefined` for readers of the site itself.
   */
  actor: Actor | undefined;
  /** The nonce of its request, with which the client of a stream confirms it. */
  nonce: string | undefined;
  /** The cookie of the browser that reads, if it has one, and its network. */
  browser: string | undefined;
  network = "";
  /** The figures do not contain it yet, so it is not sent any. */
  isUncounted = false;
  /** Its client was asked to come back after this time. */
  returnsInMs = 0;
  isOpen = true;
  /** Is its position known? Until then it has no cursor to come back with. */
  hasStarted = false;
  /** When the client last sent something on this connection or about it. */
  seenAt = performance.now();
  /** Has its client ever confirmed it? */
  isConfirmed = false;
  /** Its slot; a poll on a kept connection uses the connection's. */
  slot: Slot<Occupant> | undefined;
  /** The round of its next heartbeat; see heartbeats.ts. */
  heartbeatRound = 0;
  /**
   * In the order of `tails`: most readers have one room, and a Map would take another 200 bytes for
   * each of them.
   */
  #seqs: number[];
  /** The checksums of the events at these seqs, where a tail may not have the event. */
  #sums: Sums | undefined;

  constructor(tails: Tail[], transport: ReaderTransport, memberId: string | undefined) {
    this.tails = tails;
    this.transport = transport;
    this.memberId = memberId;
    this.#seqs = tails.map(() => 0);
  }

  /** Sets the position from which it reads on, in the order of `tails`. */
  startAt(seqs: number[], sums?: Sums): void {
    for (let n = 0; n < seqs.length; n += 1) this.#seqs[n] = seqs[n] as number;
    this.#sums = sums;
    this.hasStarted = true;
  }

  /** Follows one more log, from its beginning. */
  follow(tail: Tail): void {
    this.tails = [...this.tails, tail];
    this.#seqs.push(0);
  }

  /** Notes that the client has confirmed this stream. */
  confirm(): void {
    this.seenAt = performance.now();
    this.isConfirmed = true;
  }

  /**
   * Returns the milliseconds until the client must have sent something, `patienceMs` after the last
   * time. A client that only watches and has never confirmed need not send anything.
   */
  untilDue(patienceMs: number): number {
    const isDue = this.memberId !== undefined || this.isConfirmed;
    return isDue ? this.seenAt + patienceMs - performance.now() : Number.POSITIVE_INFINITY;
  }

  /** Returns the last seq of a room that the reader has been sent, or where it started. */
  seqIn(tail: Tail): number {
    return this.#seqs[this.#indexOf(tail)] as number;
  }

  /**
   * Moves the reader to a seq of a room: everything up to it was written, or a reset skips it.
   * `sum` is the checksum of the event there, if it is known.
   */
  moveTo(tail: Tail, { seq, sum }: { seq: number; sum?: number }): void {
    const index = this.#indexOf(tail);
    this.#seqs[index] = seq;
    this.#sums ??= [];
    this.#sums[index] = sum;
  }

  /** Returns how far it has come in all its rooms. */
  cursor(): string {
    return cursorOf(this.tails, this.#seqs, this.#sums);
  }

  /** Returns its cursor as it will be once it has come to an event of a room. */
  cursorAfter(tail: Tail, { seq, sum }: EncodedEvent): string {
    if (this.tails.length === 1) return tail.cursorAt(seq, sum);
    const seqs = this.#seqs.slice();
    const sums = this.#sums?.slice() ?? [];
    const index = this.#indexOf(tail);
    seqs[index] = seq;
    sums[index] = sum;
    return cursorOf(this.tails, seqs, sums);
  }

  /** Returns the heads of its rooms by slug. They are ahead of the reader while it catches up. */
  heads(): { [room: string]: number } {
    return Object.fromEntries(this.tails.map((tail, n) => [tail.slug, Math.max(tail.sent, this.#seqs[n] as number)]));
  }

  /**
   * Returns its ping: a cursor to come back with, and the heads of its rooms, which show the client
   * what it lacks.
   */
  ping(): Signal {
    const [tail] = this.tails as [Tail];
    if (this.tails.length === 1 && this.#seqs[0] === tail.sent) return tail.ping();
    const { stale } = tail;
    const data = { cursor: this.cursor(), heads: this.heads(), ...(stale !== undefined && { stale }) };
    return { name: "ping", data };
  }

  /** Writes the events that this tail has after the reader's position. */
  advance(tail: Tail): void {
    const index = this.#indexOf(tail);
    const after = this.#seqs[index] as number;
    if (!this.isOpen || after >= tail.sent) return;
    const { format } = this.transport;
    // In a stream of several rooms each event's id holds all positions, so only then are the bytes
    // the reader's own.
    const isShared = this.tails.length === 1 || format === "json";
    const frame = isShared
      ? tail.frameAfter(after, format)
      : frameOf(format, tail.eventsAfter(after), (event) => this.cursorAfter(tail, event));
    this.#seqs[index] = tail.sent;
    // The tail has this event.
    if (this.#sums) this.#sums[index] = undefined;
    this.transport.write(frame, this);
  }

  /**
   * Returns whether too much is unread to send more. The latest frame does not count: nobody reads
   * that fast.
   */
  isSlow(): boolean {
    return this.transport.unsent() > UNSENT_LIMIT;
  }

  #indexOf(tail: Tail): number {
    return this.tails.length === 1 ? 0 : this.tails.indexOf(tail);
  }
}
