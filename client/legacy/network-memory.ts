import type { Known, MemoryStore } from "../core/network/known.ts";
import { createStore } from "./store.ts";

/**
 * Returns a store of what this browser has learned about its network, by the server's name for it.
 */
export function networkMemory(network: string): MemoryStore {
  const store = createStore("localStorage");
  return {
    load() {
      const learned = store.load("network") as { network: string; known: Known } | undefined;
      return learned?.network === network ? learned.known : undefined;
    },
    save: (known) => store.save("network", { network, known }),
  };
}
