/**
 * Milliseconds counted in steps of a quarter, up to 20 s: a million of them take no more memory
 * than one.
 */
export class Histogram {
  readonly counts = new Uint32Array(STEPS);
  total = 0;
  max = 0;

  add(ms: number): void {
    const step = Math.min(STEPS - 1, Math.max(0, Math.floor(ms / STEP_MS)));
    this.counts[step] = (this.counts[step] as number) + 1;
    this.total += 1;
    if (ms > this.max) this.max = ms;
  }

  /** The time within which that share of all lies. */
  at(share: number): number {
    let left = this.total * share;
    for (let step = 0; step < STEPS; step += 1) {
      left -= this.counts[step] as number;
      if (left <= 0) return (step + 1) * STEP_MS;
    }
    return this.max;
  }

  /** [ms, share of all within it] at hundred shares, for a plot. */
  curve(): [number, number][] {
    const shares = [...Array.from({ length: 99 }, (_, n) => (n + 1) / 100), 0.999];
    return this.total === 0 ? [] : shares.map((share) => [this.at(share), share]);
  }
}

const STEP_MS = 0.25;
const STEPS = 80_000;
