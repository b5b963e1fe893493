import { createHash, timingSafeEqual } from "node:crypto";
import ipaddr from "ipaddr.js";
import type { Context } from "koa";

/**
 * Returns whether a request may read the metrics: it has the token, or it comes from a program on this machine. Behind a
 * proxy on the same machine every connection does, so a request that a proxy marked counts as remote, whether or not
 * TRUST_PROXY names the proxy.
 */
export function mayReadMetrics(ctx: Context, token: string | undefined): boolean {
  if (token !== undefined && isSame(ctx.get("Authorization"), `Bearer ${token}`)) return true;
  return isLoopback(ctx.req.socket.remoteAddress ?? "") && !Object.keys(ctx.headers).some((name) => PROXIED.test(name));
}

/** [RFC 7239, RFC 9110 7.6.3] and the older names; Node writes names in lower case. */
const PROXIED = /^(x-forwarded|forwarded$|via$|x-real-ip$|x-client-ip$|true-client-ip$|cf-)/;

function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === "loopback";
}

/** In constant time: hashes have one length, and do not begin alike where the texts do. */
function isSame(one: string, other: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}
