/** What is known of a network from earlier: the rung that carried and when to climb from it, its cut times, its holds. */
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

/** What is known of this network, and how to add to it. */
export type Memory = { known: Known; learn(news: Known): void };

// What is kept may be an older script's, or anybody's. Times are told in ladder.ts, pace.ts and hold.ts.
const SENSE: { [name: string]: (value: number) => boolean } = {
  rung: (value) => value >= 0 && value % 1 === 0,
  climbAt: (value) => value >= 0,
  climbMs: (value) => value >= 300_000 && value <= 3_600_000,
  pingSeconds: (value) => value >= 2 && value <= 15,
  lifeMs: (value) => value >= 1_000,
  holdSeconds: (value) => value === 0 || value >= 2,
};

/** Reads a store, and forgets what makes no sense. */
export function createMemory(store: MemoryStore): Memory {
  const known = sensible(store.load());
  return {
    known,
    learn(news) {
      for (const name in news) known[name as "rung"] = news[name as "rung"] as number;
      store.save(known);
    },
  };
}

function sensible(loaded: unknown): Known {
  const known: Known = {};
  if (typeof loaded !== "object" || loaded === null) return known;
  const { late } = loaded as Known;
  if (late === true) known.late = true;
  for (const name in SENSE) {
    const value = (loaded as { [name: string]: unknown })[name];
    if (typeof value === "number" && SENSE[name]?.(value)) known[name as "rung"] = value;
  }
  return known;
}
