import type { Known, MemoryStore } from "../core/network/known.ts";
import { printed } from "../transports/fetch.ts";
import { browserStore, parsed } from "./browser-store.ts";

const MOST_NETWORKS = 20;

type Networks = { [network: string]: Known };

/**
 * Returns a store of what this browser has learned about its network, by the name that the server
 * has for it. The last twenty networks are kept.
 */
export function networkMemory(network: string): MemoryStore {
  const store = browserStore("chattera:network");
  const load = () => {
    const networks = parsed(store.load());
    return typeof networks === "object" && networks !== null ? (networks as Networks) : {};
  };
  return {
    load: () => load()[network],
    save(known) {
      if (network === "") return;
      // The newest comes last, so that the first ones are the oldest.
      const others = Object.entries(load()).filter(([name]) => name !== network);
      const kept = [...others, [network, known] as const].slice(-MOST_NETWORKS);
      store.save(printed(Object.fromEntries(kept)));
    },
  };
}
