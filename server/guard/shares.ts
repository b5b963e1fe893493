import { BlockList, isIP } from "node:net";
import { parseAddress } from "./address.ts";

/** A network that gets more than one address's share: an office or a school behind one address. */
export type NamedNetwork = { address: string; prefix: number; factor: number };

/** Returns how many addresses' shares an address has; 1 unless its network is named. */
export type Shares = (address: string) => number;

/**
 * Reads `203.0.113.0/24=10` and `2001:db8::/32=20`: networks and how many addresses' shares each of
 * their addresses has. Throws an Error that quotes the entry that cannot be read.
 */
export function parseShares(entries: string[]): NamedNetwork[] {
  return entries.map(parseEntry);
}

/**
 * Returns the function that looks shares up. Of several networks that contain an address, the
 * smallest counts.
 */
export function createShares(networks: NamedNetwork[]): Shares {
  const known = networks
    .toSorted((one, other) => other.prefix - one.prefix)
    .map(({ address, prefix, factor }) => {
      const list = new BlockList();
      list.addSubnet(address, prefix, familyOf(address));
      return { list, factor, family: familyOf(address) };
    });
  if (known.length === 0) return () => 1;
  return (address) => {
    const family = familyOf(address);
    return known.find((one) => one.family === family && one.list.check(address, family))?.factor ?? 1;
  };
}

function parseEntry(entry: string): NamedNetwork {
  const [, written = "", bits, times] = /^([^/=]+)(?:\/(\d{1,3}))?=(\d{1,5}(?:\.\d{1,3})?)$/.exec(entry) ?? [];
  const address = parseAddress(written);
  const longest = address?.includes(":") ? 128 : 32;
  const prefix = Number(bits ?? longest);
  const factor = Number(times);
  if (address === undefined || prefix > longest || !(factor >= 1))
    throw new Error(`${JSON.stringify(entry)} is not a network and its factor, like 203.0.113.0/24=10`);
  return { address, prefix, factor };
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}
