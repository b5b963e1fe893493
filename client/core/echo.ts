import type { Outside } from "./outside.ts";

/** Waits for seqs that are known to be in the log: by the receipt of an own remark, or by the head in a ping. */
export type Echo = {
  expect(seq: number, withinMs: number): void;
  close(): void;
};

/** `shown` is the last seq that the connection has brought; `late` is called when an expected one was not among them. */
export function createEcho(outside: Outside, shown: () => number, late: () => void, inTime: () => void): Echo {
  let awaited = -1;
  let next: { seq: number; withinMs: number } | undefined;
  let stop = () => {};

  function wait(seq: number, withinMs: number): void {
    awaited = seq;
    stop = outside.later(withinMs, judge);
  }

  function judge(): void {
    const met = shown() >= awaited;
    const following = next;
    awaited = -1;
    next = undefined;
    if (following !== undefined && shown() < following.seq) wait(following.seq, following.withinMs);
    if (met) inTime();
    else late();
  }

  return {
    expect(seq, withinMs) {
      if (shown() >= seq || seq <= awaited) return;
      if (awaited < 0) wait(seq, withinMs);
      else next = { seq, withinMs };
    },
    close() {
      stop();
      awaited = -1;
      next = undefined;
    },
  };
}
