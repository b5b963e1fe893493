import { createHmac } from "node:crypto";
import ipaddr from "ipaddr.js";
import Keygrip from "keygrip";
import { LRUCache } from "lru-cache";
import type { Member } from "../protocol/event.ts";

/** What the secret signs. Any node reads what another signed, without a look-up. */
export type Tokens = {
  /** A session's token: says who somebody is. */
  sign(member: Member): string;
  /** Who a token says somebody is; `undefined` for one that is not ours. */
  verify(token: string): Member | undefined;
  /** Proof that a form came from a page made for this member ("": nobody yet). */
  formToken(memberId: string): string;
  isFormToken(token: string, memberId: string): boolean;
  /** The network an address belongs to, in eight letters: a name that tells nothing of the address. */
  network(address: string): string;
  /** `◆` and ten letters that only who knows the secret word can have, on this site. */
  trip(word: string): string;
};

/**
 * Tokens that were verified lately: keygrip's comparison in constant time makes three hashes, 48 µs of a remark's 340.
 * Ten thousand people's are 3 MB.
 */
const VERIFIED = 10_000;

/** All signatures are HMAC-SHA-256 by keygrip, each over a text that begins with its purpose. */
export function createTokens(secret: string): Tokens {
  const keys = new Keygrip([secret], "sha256", "base64");
  const verified = new LRUCache<string, Member>({ max: VERIFIED });

  return {
    sign: (member) => {
      const payload = Buffer.from(JSON.stringify(member)).toString("base64url");
      return `${payload}.${keys.sign(`session ${payload}`)}`;
    },
    verify: (token) => {
      const known = verified.get(token) ?? read(token);
      if (known) verified.set(token, known);
      return known;
    },
    formToken: (memberId) => keys.sign(`form ${memberId}`),
    isFormToken: (token, memberId) => keys.verify(`form ${memberId}`, token),
    network: (address) => hash(`network ${networkOf(address)}`, "base64url").slice(0, 8),
    trip: (word) => `◆${hash(`trip ${word}`, "base64").slice(0, 10)}`,
  };

  function read(token: string): Member | undefined {
    const [payload, signature, more] = token.split(".");
    // what is verified is kept whole: with anything behind it, a token could be kept in as many ways as somebody likes
    if (!payload || !signature || more !== undefined) return undefined;
    if (!keys.verify(`session ${payload}`, signature)) return undefined;
    return JSON.parse(Buffer.from(payload, "base64url").toString()) as Member;
  }

  function hash(text: string, encoding: "base64" | "base64url"): string {
    return createHmac("sha256", secret).update(text).digest(encoding);
  }
}

/** An office's or a household's share of addresses: /24 of IPv4, /64 of IPv6. */
function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return "";
  const bytes = ipaddr.process(address).toByteArray();
  return bytes.slice(0, bytes.length === 4 ? 3 : 8).join(".");
}
