/** An entry that waits: the room to enter, and the share of the queue in which it counts. */
export type Queued = { roomId: number; share: string };

/** A bounded fair queue: entries of a share with many wait behind those of shares with few. */
export type EntryQueue<T extends Queued> = {
  /** Adds one. A full queue drops the last of the share that has most in it, which may be this one, and returns it. */
  add(one: T): T | undefined;
  /** Takes the next ones, at most `count`, in the order in which they came. */
  take(count: number): T[];
  /** Takes those for which `isOver` holds out of the queue. */
  drop(isOver: (one: T) => boolean): T[];
  all(): readonly T[];
};

/** Opens a queue for at most `limit`. */
export function createEntryQueue<T extends Queued>(limit: number): EntryQueue<T> {
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

/** The first of every share before the second of any; among these, the first of every room before the second of any. */
function inTurn<T extends Queued>(waiting: T[]): T[] {
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

/** The share with most in the queue; of several, the one that came last. */
function greediestShare(waiting: Queued[], last: string): string {
  const counts = new Map<string, number>();
  for (const { share } of waiting) counts.set(share, (counts.get(share) ?? 0) + 1);
  const most = Math.max(...counts.values());
  if (counts.get(last) === most) return last;
  return [...counts].find(([, count]) => count === most)?.[0] as string;
}
