import type { Reader } from "./reader.ts";
import type { Tail } from "./tail.ts";

/** The process's one clock: it gathers what busy rooms have to say and runs every connection's heartbeat. */
export type Beat = {
  /** These rooms have news: those of a room that was quiet are read and handed out at once, else on its next beat. */
  news(tails: Tail[]): void;
  /** The milliseconds that what is said in a room now may wait to be committed, and yet be read with what waits here. */
  patienceMs(tail: Tail): number;
  /** Calls `beat(reader)` after so many milliseconds, and again after as many as that gives. */
  schedule(reader: Reader, delayMs: number): void;
  /** A poll that is answered at once must not be kept for the 25 s it would have waited. */
  forget(reader: Reader): void;
  stop(): void;
};

type Surroundings = {
  /** The longest that news wait for more: CHATTERA_BEAT_MS. */
  beatMs: number;
  /** Has rooms' news read and handed out. */
  begin: (tails: Tail[]) => void;
  /** One reader's heartbeat; gives the milliseconds until the next, if any. */
  beat: (reader: Reader) => number | undefined;
};

/**
 * A room rests so many times as long as handing out its news last took: one room's readers take a sixth of the core at
 * most, until the beat is as wide as it may be. A write costs about 8 µs whatever its size, so ten readers wait 0.4 ms
 * for the next message, which nobody says so soon; 1000 wait 40 ms, and are handed four of 100 a second at a time. Nor is
 * the log asked before: a room is read as often as it is handed out.
 */
const REST = 5;

/** A commit takes about 3 ms, on a full core 5; a busy group commit begins up to 10 later. */
const COMMIT_MS = 15;

/** Heartbeats are kept every 250 ms: near enough for pings of 500 ms and more. */
const TICK_MS = 250;

/** Starts the clock. */
export function createBeat({ beatMs, begin, beat }: Surroundings): Beat {
  const gathering = new Map<Tail, number>();
  const due = new Map<number, Set<Reader>>();
  let ticks = 0;
  let wakesAt = Number.POSITIVE_INFINITY;
  let waking: NodeJS.Timeout | undefined;
  const ticking = setInterval(onTick, TICK_MS);
  ticking.unref();

  return { news, patienceMs, schedule, forget, stop };

  function news(tails: Tail[]): void {
    const now = performance.now();
    const due = tails.filter((tail) => isDue(tail, now));
    if (due.length > 0) beginNow(due, now);
  }

  /** Sees to it that a room that is not will be. */
  function isDue(tail: Tail, now: number): boolean {
    if (gathering.has(tail)) return false;
    const dueAt = dueAtOf(tail);
    if (dueAt <= now) return true;
    gather(tail, dueAt);
    return false;
  }

  function dueAtOf(tail: Tail): number {
    return tail.begunAt + Math.min(beatMs, REST * tail.flushMs);
  }

  function patienceMs(tail: Tail): number {
    return Math.max(0, (gathering.get(tail) ?? dueAtOf(tail)) - COMMIT_MS - performance.now());
  }

  /** What is told of a room while it is read is for the next time. */
  function beginNow(tails: Tail[], now: number): void {
    for (const tail of tails) tail.begunAt = now;
    begin(tails);
  }

  function gather(tail: Tail, dueAt: number): void {
    gathering.set(tail, dueAt);
    if (dueAt < wakesAt) wakeAt(dueAt);
  }

  function wakeAt(time: number): void {
    clearTimeout(waking);
    wakesAt = time;
    waking = setTimeout(onWake, time - performance.now());
  }

  /** Timers count whole milliseconds: what is due within this one is due. */
  function onWake(): void {
    const now = performance.now();
    const due = [...gathering.keys()].filter((tail) => (gathering.get(tail) as number) <= now + 1);
    for (const tail of due) gathering.delete(tail);
    beginNow(due, now);
    wakesAt = Number.POSITIVE_INFINITY;
    if (gathering.size > 0) wakeAt(Math.min(...gathering.values()));
  }

  function schedule(reader: Reader, delayMs: number): void {
    // not before its time: one tick more, for the one under way has begun
    const tick = ticks + 1 + Math.ceil(delayMs / TICK_MS);
    reader.dueTick = tick;
    const readers = due.get(tick);
    if (readers) readers.add(reader);
    else due.set(tick, new Set([reader]));
  }

  function forget(reader: Reader): void {
    due.get(reader.dueTick)?.delete(reader);
  }

  function onTick(): void {
    ticks += 1;
    const readers = due.get(ticks) ?? [];
    due.delete(ticks);
    for (const reader of readers) {
      if (!reader.isOpen) continue;
      const next = beat(reader);
      if (next !== undefined) schedule(reader, next);
    }
  }

  function stop(): void {
    clearInterval(ticking);
    clearTimeout(waking);
  }
}
