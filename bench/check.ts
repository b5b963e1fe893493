import type { Histogram } from "./histogram.ts";

/**
 * The text of the nth message, `bytes` bytes of UTF-8: Latin letters, every other time kana of
 * three bytes each. It begins with its number between two characters that stand nowhere else in an
 * answer, so that a delivery is found, and known, without reading what is around it.
 */
export function textOf(n: number, bytes: number): string {
  const marker = `~${String(n).padStart(DIGITS, "0")}~`;
  const rest = bytes - MARKER_BYTES;
  if (n % 2 === 0) return marker.padEnd(bytes, "x");
  return marker + "あ".repeat(Math.floor(rest / KANA_BYTES)) + "x".repeat(rest % KANA_BYTES);
}

const TILDE = 0x7e;
const DIGITS = 10;
const MARKER_BYTES = DIGITS + 2;
const KANA_BYTES = 3;

/**
 * The messages of a room, in the order in which it was first delivered to anybody: all others must
 * agree.
 */
export class RoomLog {
  readonly order: number[] = [];
  readonly #places = new Map<number, number>();

  placeOf(n: number): number | undefined {
    return this.#places.get(n);
  }

  add(n: number): void {
    this.#places.set(n, this.order.length);
    this.order.push(n);
  }
}

/** The findings of all readers. */
export type DeliveryFindings = {
  deliveries: number;
  doubled: number;
  /** Delivered after one that came later in the room. */
  reordered: number;
  times: Histogram;
  /** When each message was due, by number. */
  dueAt: Float64Array;
  /**
   * Requests besides messages that had no good answer: polls, confirmations of streams, reports of
   * typing.
   */
  failed: number;
};

/** One reader's place in its room's log: each delivery is checked for once and order. */
export class Check {
  /** How many of the room's log have come, or were passed over. */
  place = 0;
  readonly #log: RoomLog;
  readonly #findings: DeliveryFindings;
  #passedOver: Set<number> | undefined;
  #stride = 0;
  #partial: Buffer | undefined;

  constructor(log: RoomLog, findings: DeliveryFindings) {
    this.#log = log;
    this.#findings = findings;
  }

  /** Takes the next bytes of the reader's answer; they are not kept. */
  take(bytes: Buffer, now: number): void {
    let from = this.#partial ? this.#takePartial(bytes, now) : 0;
    for (;;) {
      const at = this.#next(bytes, from);
      if (at < 0) return;
      if (at + MARKER_BYTES > bytes.length) {
        this.#partial = Buffer.from(bytes.subarray(at));
        return;
      }
      this.#deliver(numberIn(bytes, at), now);
      from = at + MARKER_BYTES;
    }
  }

  /** How many messages of the room did not come. */
  missing(): number {
    return this.#log.order.length - this.place + (this.#passedOver?.size ?? 0);
  }

  /**
   * Messages of a room are about as long: the next marker most often stands as far behind this one
   * as this behind the last.
   */
  #next(bytes: Buffer, from: number): number {
    const guess = from + this.#stride;
    const isHit = this.#stride > 0 && bytes[guess] === TILDE && bytes[guess + MARKER_BYTES - 1] === TILDE;
    const at = isHit ? guess : bytes.indexOf(TILDE, from);
    if (at >= 0) this.#stride = at - from;
    return at;
  }

  /** A marker that two reads share. Gives where the rest of the bytes begins. */
  #takePartial(bytes: Buffer, now: number): number {
    const partial = this.#partial as Buffer;
    const whole = Buffer.concat([partial, bytes.subarray(0, MARKER_BYTES - partial.length)]);
    this.#partial = whole.length < MARKER_BYTES ? whole : undefined;
    if (!this.#partial) this.#deliver(numberIn(whole, 0), now);
    return whole.length - partial.length;
  }

  #deliver(n: number, now: number): void {
    const { order } = this.#log;
    if (this.place === order.length && this.#log.placeOf(n) === undefined) this.#log.add(n);
    if (order[this.place] === n) this.place += 1;
    else if (!this.#isOutOfOrder(n)) return;
    this.#findings.deliveries += 1;
    this.#findings.times.add(now - (this.#findings.dueAt[n] as number));
  }

  /** Notes each fault. Returns `false` for an event that has come before. */
  #isOutOfOrder(n: number): boolean {
    const place = this.#log.placeOf(n);
    if (place !== undefined && place < this.place) {
      if (!this.#passedOver?.delete(n)) {
        this.#findings.doubled += 1;
        return false;
      }
      this.#findings.reordered += 1;
      return true;
    }
    if (place === undefined) this.#log.add(n);
    const { order } = this.#log;
    const end = place ?? order.length - 1;
    this.#passedOver ??= new Set();
    for (; this.place < end; this.place += 1) this.#passedOver.add(order[this.place] as number);
    this.place += 1;
    return true;
  }
}

function numberIn(bytes: Buffer, at: number): number {
  let n = 0;
  for (let digit = at + 1; digit <= at + DIGITS; digit += 1) n = n * 10 + (bytes[digit] as number) - 48;
  return n;
}
