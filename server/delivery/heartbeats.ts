import type { Reader } from "./reader.ts";

/** One timer for all readers: 250 ms are close enough for pings of 500 ms and more. */
const ROUND_MS = 250;

/** The heartbeats of all readers: when each is to ping, or to answer its poll. */
export class Heartbeats {
  readonly #due = new Map<number, Set<Reader>>();
  #rounds = 0;
  readonly #timer = setInterval(() => this.#onRound(), ROUND_MS).unref();

  /** Schedules a reader's next heartbeat. Each returns the milliseconds until the one after it. */
  schedule(reader: Reader, delayMs: number): void {
    // The round under way has begun, so one more keeps the heartbeat from being early.
    const round = this.#rounds + 1 + Math.ceil(delayMs / ROUND_MS);
    reader.heartbeatRound = round;
    const readers = this.#due.get(round);
    if (readers) readers.add(reader);
    else this.#due.set(round, new Set([reader]));
  }

  /**
   * Forgets a reader: a poll that is answered at once must not stay in memory for the 25 s that it
   * would have waited.
   */
  forget(reader: Reader): void {
    this.#due.get(reader.heartbeatRound)?.delete(reader);
  }

  /** Ends all heartbeats. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #onRound(): void {
    this.#rounds += 1;
    const readers = this.#due.get(this.#rounds) ?? [];
    this.#due.delete(this.#rounds);
    for (const reader of readers) {
      if (!reader.isOpen) continue;
      const nextMs = reader.transport.heartbeat(reader);
      if (nextMs !== undefined) this.schedule(reader, nextMs);
    }
  }
}
