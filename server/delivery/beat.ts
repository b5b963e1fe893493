import type { Reader } from "./reader.ts";
import type { Tail } from "./tail.ts";

/** The process's one clock: it gathers what busy rooms have to say and runs every connection's heartbeat. */
export type Beat = {
  /** This room has news: they go at once if the room was quiet, else on the next beat. */
  news(tail: Tail): void;
  /** Calls `beat(reader)` after so many milliseconds, and again after as many as that gives. */
  schedule(reader: Reader, delayMs: number): void;
  /** A poll that is answered at once must not be kept for the 25 s it would have waited. */
  forget(reader: Reader): void;
  stop(): void;
};

/**
 * A write costs about 10 µs whatever its size: 1000 readers in a room with 100 remarks a second are 100 000 writes, a
 * whole core; gathered for 50 ms they are 20 000. Nobody notices 50 ms.
 */
const BEAT_MS = 50;

/** Heartbeats are kept on every fifth beat: 250 ms is near enough for pings of 500 ms and more. */
const TICK_BEATS = 5;

/** Starts the clock: `flush` lets a room's readers have its news, `beat` is one reader's heartbeat. */
export function createBeat(flush: (tail: Tail) => void, beat: (reader: Reader) => number | undefined): Beat {
  const flushedAt = new WeakMap<Tail, number>();
  const gathering = new Set<Tail>();
  const due = new Map<number, Set<Reader>>();
  let beats = 0;
  const timer = setInterval(onBeat, BEAT_MS);
  timer.unref();

  return { news, schedule, forget, stop: () => clearInterval(timer) };

  function news(tail: Tail): void {
    if (performance.now() - (flushedAt.get(tail) ?? 0) < BEAT_MS) gathering.add(tail);
    else flushNow(tail);
  }

  function schedule(reader: Reader, delayMs: number): void {
    // not before its time: one tick more, for the one under way has begun
    const tick = Math.floor(beats / TICK_BEATS) + 1 + Math.ceil(delayMs / (BEAT_MS * TICK_BEATS));
    reader.dueTick = tick;
    const readers = due.get(tick);
    if (readers) readers.add(reader);
    else due.set(tick, new Set([reader]));
  }

  function forget(reader: Reader): void {
    due.get(reader.dueTick)?.delete(reader);
  }

  function onBeat(): void {
    beats += 1;
    const tails = [...gathering];
    gathering.clear();
    for (const tail of tails) flushNow(tail);
    if (beats % TICK_BEATS === 0) onTick(beats / TICK_BEATS);
  }

  function flushNow(tail: Tail): void {
    flushedAt.set(tail, performance.now());
    flush(tail);
  }

  function onTick(tick: number): void {
    const readers = due.get(tick) ?? [];
    due.delete(tick);
    for (const reader of readers) {
      if (!reader.isOpen) continue;
      const next = beat(reader);
      if (next !== undefined) schedule(reader, next);
    }
  }
}
