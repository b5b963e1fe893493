import { POLL_WAIT_SECONDS } from "../../../protocol/limits.ts";
import { isOwn } from "../../../protocol/own.ts";

/**
 * Findings about a network from earlier sessions: the rung that carried and when to climb from it,
 * its cut times, its holds.
 */
export type Known = {
  /** The stream's place on the ladder; as many as there are streams means polls. */
  rung?: number;
  climbAt?: number;
  climbMs?: number;
  pingSeconds?: number;
  lifeMs?: number;
  holdSeconds?: number;
  late?: boolean;
};

/** Where that outlives the page. */
export type MemoryStore = { load(): Known | undefined; save(known: Known): void };

// The stored findings may come from an older script, or from anybody. The limits are those of
// ladder.ts, pace.ts and hold.ts.
const SENSE: { [name: string]: (value: number) => boolean } = {
  rung: (value) => value >= 0 && value % 1 === 0,
  climbAt: (value) => value >= 0,
  climbMs: (value) => value >= 300_000 && value <= 3_600_000,
  pingSeconds: (value) => value >= 2 && value <= 15,
  lifeMs: (value) => value >= 1_000,
  holdSeconds: (value) => value === 0 || (value >= 2 && value <= POLL_WAIT_SECONDS),
};

/** Returns what makes sense of what a store has loaded. */
export function sensible(loaded: unknown): Known {
  const known: Known = {};
  if (!loaded) return known;
  const values = loaded as { [name: string]: unknown };
  if (values.late === true) known.late = true;
  for (const name in SENSE) {
    const value = values[name];
    if (isOwn(SENSE, name) && typeof value === "number" && (SENSE[name] as (value: number) => boolean)(value))
      known[name as "rung"] = value;
  }
  return known;
}
