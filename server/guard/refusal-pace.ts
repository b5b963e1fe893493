import { setTimeout as pause } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import { networksOf } from "./address.ts";

/** Refusals that an address gets at once. After that it gets one every EACH_MS, 100 a second. */
const BURST = 200;
const EACH_MS = 10;

/** The longest wait for a refusal. Clients wait longer for an answer. */
const LONGEST_MS = 5_000;

/** Addresses in memory. One that is forgotten has its burst again. */
const ADDRESSES_MAX = 10_000;

/** Resolves when an address may get the refusal of a request that was over a limit. */
export type RefusalPace = (address: string) => Promise<void> | undefined;

/**
 * Creates the pace of refusals. A refusal costs 0.2 to 0.5 ms of CPU, so clients that ask
 * again at once could keep a node busy with them alone, and everybody else would wait in the event
 * loop. An address (of IPv6 a /64) that was refused 200 times gets 100 refusals a second.
 */
export function createRefusalPace(): RefusalPace {
  // The time at which an address has its whole burst again, as in rate-limit.ts.
  const fullAt = new LRUCache<string, number>({ max: ADDRESSES_MAX });
  return (address) => {
    const [network] = networksOf(address);
    const now = performance.now();
    const next = Math.max(fullAt.get(network) ?? 0, now) + EACH_MS;
    const waitMs = Math.min(next - now - BURST * EACH_MS, LONGEST_MS);
    fullAt.set(network, Math.min(next, now + BURST * EACH_MS + LONGEST_MS));
    return waitMs < 1 ? undefined : pause(waitMs, undefined, { ref: false });
  };
}
