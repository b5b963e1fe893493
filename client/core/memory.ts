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

/** Reads a store. */
export function createMemory(store: MemoryStore): Memory {
  const known = store.load() ?? {};
  return {
    known,
    learn(news) {
      for (const name in news) known[name as "rung"] = news[name as "rung"] as number;
      store.save(known);
    },
  };
}
