import { isIP } from "node:net";

/**
 * Returns the one spelling of an IP address that a socket or a proxy wrote, or `undefined` if the
 * text is not an address. Azure's and AWS's gateways append the client's port, RFC 7239 puts IPv6
 * in brackets and quotes, and a socket that listens on both families writes IPv4 as
 * `::ffff:192.0.2.1`.
 */
export function parseAddress(written: string): string | undefined {
  const mapped = MAPPED.exec(written)?.[1] ?? written;
  if (isIP(mapped) === 4) return mapped;
  // The longest address has 45 characters; with zone, port, brackets and quotes it stays below 100.
  if (written.length > 100) return undefined;
  const [, bracketed, plain, ipv4 = ""] = WRITTEN.exec(written.trim()) ?? [];
  const ipv6 = bracketed ?? plain ?? "";
  if (isIP(ipv6) === 6) return canonicalOf(ipv6);
  return isIP(ipv4) === 4 ? ipv4 : undefined;
}

/**
 * Returns the networks whose shares an address uses, the smallest first. The owner of an IPv6
 * address has its whole /64, and often a whole /48 (a tunnel, a company), so an IPv6 address counts
 * in both. 6to4 needs no rule of its own: its /48 is one IPv4 address. Anything that is not an
 * address is a network of its own.
 */
export function networksOf(address: string): [string, ...string[]] {
  if (isIP(address) !== 6) return [address];
  const [a, b, c, d] = groupsOf(address);
  return [`${a}:${b}:${c}:${d}::/64`, `${a}:${b}:${c}::/48`];
}

/**
 * IPv4 as a socket that listens on both families writes it: the usual case, so it is matched first.
 */
const MAPPED = /^::ffff:([\d.]{7,15})$/i;

/** `[v6]`, `[v6]:port`, `v6`, `v4:port` or `v4`, in quotes or not; a zone is dropped. */
const WRITTEN =
  /^"?(?:\[([\da-f:.]+)(?:%[^\]]*)?\](?::\d{1,5})?|([\da-f.]*:[\da-f.]*:[\da-f:.]*)(?:%[^"]*)?|([\d.]+)(?::\d{1,5})?)"?$/i;

function canonicalOf(ipv6: string): string {
  // [URL 3.5, RFC 5952] The host serializer writes lower case, without leading zeros, and never
  // dotted.
  const address = new URL(`http://[${ipv6}]`).hostname.slice(1, -1);
  const groups = groupsOf(address);
  return CARRIERS_OF_IPV4.includes(groups.slice(0, 6).join(":")) ? dottedOf(groups.slice(6)) : address;
}

/**
 * Prefixes of an IPv4 client on an IPv6 socket (RFC 4291), and behind a translator between the
 * families (RFC 6052), which puts all of IPv4 into one /64.
 */
const CARRIERS_OF_IPV4 = ["0:0:0:0:0:ffff", "64:ff9b:0:0:0:0"];

/** Returns the eight groups of an IPv6 address that is not dotted. */
function groupsOf(ipv6: string): string[] {
  const [left = [], right = []] = ipv6.split("::").map((half) => half.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  return [...left, ...zeros, ...right];
}

function dottedOf(groups: string[]): string {
  return groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]).join(".");
}
