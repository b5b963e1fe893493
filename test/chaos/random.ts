/** Random choices that follow from a seed, so that a run can be repeated. */
export type Random = {
  /** Returns a number from 0 up to 1. */
  next(): number;
  /** Returns a whole number of this range, both ends included. */
  between(from: number, to: number): number;
  pick<T>(list: readonly T[]): T;
};

/** Creates a source of random choices. [mulberry32] */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
  return { next, between, pick: (list) => list[between(0, list.length - 1)] as never };
}
