import type { Known, MemoryStore } from "../core/network/known.ts";
import { browserStore, parsed } from "./browser-store.ts";

const MOST_NETWORKS = 20;

type Networks = { [network: string]: Known };

/** What this browser has learnt of the network it is in, by the name that the server gives that; of the last twenty. */
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
      const { [network]: _old, ...others } = load();
      // the newest last: what an object lists first is what was learnt longest ago
      const kept = [...Object.entries(others), [network, known] as const].slice(-MOST_NETWORKS);
      store.save(JSON.stringify(Object.fromEntries(kept)));
    },
  };
}
