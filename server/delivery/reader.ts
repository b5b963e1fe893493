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
import type { Tail } from "./tail.ts";

/** What passes to a reader beside events. */
export type Signal =
  | { name: "hello"; data: HelloSignal }
  | { name: "ping"; data: PingSignal }
  | { name: "members"; data: MembersSignal }
  | { name: "typing"; data: TypingSignal }
  | { name: "reset"; data: ResetSignal[] }
  | { name: "bye"; data: ByeSignal };

/** A way of carrying frames to one browser. It gets bytes that are encoded already, and is told when to end. */
export type Transport = {
  readonly name: "sse" | "stream" | "frame" | "poll" | "page";
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

/** One connection's place in the logs of its rooms. */
export class Reader {
  readonly tails: Tail[];
  readonly transport: Transport;
  /** The member that reads, if it is one; it need not be in the room. */
  readonly memberId: string | undefined;
  isOpen = true;
  /** When the clock calls it next; see beat.ts. */
  dueTick = 0;
  #seqs = new Map<number, number>();

  constructor(tails: Tail[], transport: Transport, memberId: string | undefined) {
    this.tails = tails;
    this.transport = transport;
    this.memberId = memberId;
  }

  /** How far this reader has come in a room; moves only forward, with what is written. */
  seqIn(tail: Tail): number {
    return this.#seqs.get(tail.id) ?? 0;
  }

  /** Puts the reader where its cursor, or a reset, says. */
  place(tail: Tail, seq: number): void {
    this.#seqs.set(tail.id, seq);
  }

  /** How far it has come in all its rooms. */
  cursor(): string {
    return formatCursor({ epoch: (this.tails[0] as Tail).epoch, seqs: this.#seqs });
  }

  /** How far the logs of its rooms have come, by slug; while it catches up, farther than the reader. */
  heads(): { [room: string]: number } {
    return Object.fromEntries(this.tails.map((tail) => [tail.slug, Math.max(tail.sent, this.seqIn(tail))]));
  }

  /** Hands over what this tail has beyond the reader's place. */
  advance(tail: Tail): void {
    const after = this.seqIn(tail);
    if (!this.isOpen || after >= tail.sent) return;
    const { format } = this.transport;
    // of several rooms, each event's id must tell all positions, so only then are the bytes the reader's own
    const isShared = this.tails.length === 1 || format === "json";
    const frame = isShared
      ? tail.frameAfter(after, format)
      : frameOf(format, tail.entriesAfter(after), (seq) => this.#cursorWith(tail, seq));
    this.#seqs.set(tail.id, tail.sent);
    this.transport.write(frame, this);
  }

  /** Has it left too much unread to be handed more? What it was handed last does not count: nobody reads that fast. */
  isSlow(): boolean {
    return this.transport.unsent() > UNSENT_LIMIT;
  }

  /** The cursor as it is once `seq` of this room is seen. */
  #cursorWith(tail: Tail, seq: number): string {
    this.#seqs.set(tail.id, seq);
    return this.cursor();
  }
}
