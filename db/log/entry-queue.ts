/** A waiting entry request: the room to enter, and the share of the queue in which it counts. */
export type QueuedEntry = { roomId: number; share: string };

/** A bounded fair queue: requests of a large share wait behind those of small shares. */
export type EntryQueue<T extends QueuedEntry> = {
  /**
   * Adds a request. A full queue drops and returns the last request of its largest share, which may
   * be this one.
   */
  add(one: T): T | undefined;
  /** Removes and returns the next requests, at most `count`, in the order of arrival. */
  take(count: number): T[];
  /** Removes and returns the requests for which `isOver` returns true. */
  drop(isOver: (one: T) => boolean): T[];
  /** Returns all waiting requests. */
  all(): readonly T[];
};

/** Creates a queue for at most `limit` requests. */
export function createEntryQueue<T extends QueuedEntry>(limit: number): EntryQueue<T> {
  let waiting: T[] = [];
  return { add, take, drop, all: () => waiting };

  function add(one: T): T | undefined {
    waiting.push(one);
    if (waiting.length <= limit) return undefined;
    const share = greediestShare(waiting, one.share);
    const index = waiting.findLastIndex((other) => other.share === share);
    return waiting.splice(index, 1)[0];
  }

  function take(count: number): T[] {
    const next = waiting.length > count ? new Set(inTurn(waiting).slice(0, count)) : new Set(waiting);
    return drop((one) => next.has(one));
  }

  function drop(isOver: (one: T) => boolean): T[] {
    const dropped = waiting.filter(isOver);
    if (dropped.length > 0) waiting = waiting.filter((one) => !isOver(one));
    return dropped;
  }
}

/**
 * The first request of every share precedes the second of any share. Among equals, the same holds
 * for rooms.
 */
function inTurn<T extends QueuedEntry>(waiting: T[]): T[] {
  const counts = new Map<string | number, number>();
  const turnOf = (key: string | number) => {
    const turn = counts.get(key) ?? 0;
    counts.set(key, turn + 1);
    return turn;
  };
  return waiting
    .map((one) => ({ one, inShare: turnOf(one.share), inRoom: turnOf(one.roomId) }))
    .sort((a, b) => a.inShare - b.inShare || a.inRoom - b.inRoom)
    .map(({ one }) => one);
}

/** Returns the largest share. If several are equal, the one that added a request last. */
function greediestShare(waiting: QueuedEntry[], last: string): string {
  const counts = new Map<string, number>();
  for (const { share } of waiting) counts.set(share, (counts.get(share) ?? 0) + 1);
  const most = Math.max(...counts.values());
  if (counts.get(last) === most) return last;
  return [...counts].find(([, count]) => count === most)?.[0] as string;
}
