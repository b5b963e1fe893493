import { createHash, timingSafeEqual } from "node:crypto";
import ipaddr from "ipaddr.js";
import type { Context } from "koa";

/**
 * Returns whether a request may read the metrics: it has the token, or it comes from a program on
 * this machine.
 *
 * Behind a proxy on the same machine every connection comes from loopback. A request counts as
 * remote if a proxy marked it, whether or not TRUST_PROXY names the proxy, or if it asks for any
 * host other than this machine: a proxy that adds no header may pass the site's name on, and DNS
 * rebinding gives loopback a name of its own.
 */
export function mayReadMetrics(ctx: Context, token: string | undefined): boolean {
  if (token !== undefined && isSame(ctx.get("Authorization"), `Bearer ${token}`)) return true;
  if (!isLoopback(ctx.req.socket.remoteAddress ?? "") || !THIS_MACHINE.test(ctx.get("Host"))) return false;
  return !Object.keys(ctx.headers).some((name) => PROXIED.test(name));
}

/** A host, with or without a port, that only a program on this machine asks for. */
const THIS_MACHINE = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/**
 * [RFC 7239, RFC 8586, RFC 9110 7.6.3], and the names that balancers and content networks use. Node
 * writes names in lower case.
 */
const PROXIED = /client-?ip|^(x-forwarded|forwarded$|via$|x-real-ip$|x-original-|x-envoy-|x-azure-|cdn-loop$|cf-)/;

function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === "loopback";
}

/** Compares in constant time: hashes have one length, and similar texts have different hashes. */
export function isSame(one: string, other: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}
