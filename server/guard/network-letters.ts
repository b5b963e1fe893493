import { createHmac } from "node:crypto";
import { LRUCache } from "lru-cache";
import { networksOf } from "./address.ts";

/** A network and the /48 around it (of IPv4 the same), by the letters that moderators see. */
export type NetworkLetters = { network: string; wideNetwork: string };

/** Returns the letters of the networks of an address. */
export type LettersOf = (address: string) => NetworkLetters;

/** Addresses whose letters are kept. 10,000 take 2 MB. */
const KEPT = 10_000;

/** Letters and digits that nobody confuses. A command line takes a leading `-` for an option. */
const ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";

/**
 * Creates the function that names networks for moderators: eight letters, the same on every node,
 * that do not reveal the address. 40 bits distinguish the networks of any site.
 */
export function createNetworkLetters(secret: string): LettersOf {
  const known = new LRUCache<string, NetworkLetters>({ max: KEPT });
  return (address) => {
    const found = known.get(address);
    if (found !== undefined) return found;
    const networks = networksOf(address);
    const letters = { network: lettersOf(networks[0]), wideNetwork: lettersOf(networks.at(-1) as string) };
    known.set(address, letters);
    return letters;
  };

  function lettersOf(network: string): string {
    const bytes = createHmac("sha256", secret).update(`moderator ${network}`).digest().subarray(0, 8);
    return [...bytes].map((byte) => ALPHABET[byte % 32]).join("");
  }
}
