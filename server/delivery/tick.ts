import type { Tail } from "./tail.ts";

/**
 * A room rests five times as long as handing out its events last took, so its readers take a sixth
 * of the core at most, until the rest is as long as it may be. A write costs about 8 µs whatever
 * its size. So ten readers wait 0.4 ms for the next message, which never comes that soon; 1,000
 * readers wait 40 ms, and are sent four of 100 messages a second at a time. A resting room is not
 * read from the log either.
 */
const REST = 5;

/**
 * A commit takes about 3 ms, 5 on a busy core, and a busy group commit begins up to 8 ms later.
 */
const COMMIT_MS = 15;

type Options = {
  /** The longest rest, CHATTERA_BEAT_MS. */
  longestMs: number;
  /** Reads the log after these tails and delivers the new events. */
  read(tails: Tail[]): void;
};

/**
 * Batches the events of busy rooms: a quiet room is read at once, one that rests at its next
 * tick.
 */
export class RoomTick {
  readonly #options: Options;
  readonly #resting = new Map<Tail, number>();
  #wakesAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Has these rooms read, each at once or at its next tick: they may have events. */
  wake(tails: Tail[]): void {
    const now = performance.now();
    const due = tails.filter((tail) => this.#isDue(tail, now));
    if (due.length > 0) this.#read(due, now);
  }

  /**
   * Returns the milliseconds that a new message may wait to be committed and still be in the room's
   * next read.
   */
  patienceMs(tail: Tail): number {
    return Math.max(0, (this.#resting.get(tail) ?? this.#dueAt(tail)) - COMMIT_MS - performance.now());
  }

  /** Reads no room any more. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Schedules the room if it is not due yet. */
  #isDue(tail: Tail, now: number): boolean {
    if (this.#resting.has(tail)) return false;
    const dueAt = this.#dueAt(tail);
    if (dueAt <= now) return true;
    this.#resting.set(tail, dueAt);
    if (dueAt < this.#wakesAt) this.#wakeAt(dueAt);
    return false;
  }

  #dueAt(tail: Tail): number {
    return tail.tickedAt + Math.min(this.#options.longestMs, REST * tail.flushMs);
  }

  /** Wake-ups that come during a read lead to the next one. */
  #read(tails: Tail[], now: number): void {
    for (const tail of tails) tail.tickedAt = now;
    this.#options.read(tails);
  }

  #wakeAt(time: number): void {
    clearTimeout(this.#timer);
    this.#wakesAt = time;
    // A negative time makes Node 24 and later print a warning.
    this.#timer = setTimeout(() => this.#onTimer(), Math.max(0, time - performance.now()));
  }

  /** Timers count whole milliseconds, so a room that is due within this one is due. */
  #onTimer(): void {
    const now = performance.now();
    const due = [...this.#resting.keys()].filter((tail) => (this.#resting.get(tail) as number) <= now + 1);
    for (const tail of due) this.#resting.delete(tail);
    this.#read(due, now);
    this.#wakesAt = Number.POSITIVE_INFINITY;
    if (this.#resting.size > 0) this.#wakeAt(Math.min(...this.#resting.values()));
  }
}
