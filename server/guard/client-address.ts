import type { IncomingMessage } from "node:http";
import type { Middleware } from "koa";
import proxyAddr from "proxy-addr";
import type { Logger } from "../log.ts";
import { parseAddress } from "./address.ts";

/**
 * Sets `ctx.state.address`, `ctx.state.host` and `ctx.state.isSecure` of a request.
 * X-Forwarded-For, -Host and -Proto count only when a proxy in `trusted` sent them (addresses,
 * CIDRs, `loopback`, …); by default none do.
 *
 * A machine nearby that sends X-Forwarded-For and is not trusted is most probably a proxy that
 * TRUST_PROXY should name. This is logged once, and `ctx.state.isManyVisitors` marks the address as
 * shared.
 */
export function clientAddress(trusted: string[], logger: Logger): Middleware {
  const trust = proxyAddr.compile(trusted);
  const isNearby = proxyAddr.compile(["loopback", "linklocal", "uniquelocal"]);
  let hasWarned = false;
  return (ctx, next) => {
    const peer = peerOf(ctx.req);
    const isProxied = trust(peer, 0);
    ctx.state.address = isProxied ? originOf(peer, ctx.get("X-Forwarded-For"), trust) : peer;
    if (!isProxied && "x-forwarded-for" in ctx.req.headers && isNearby(peer, 0)) {
      ctx.state.isManyVisitors = true;
      if (!hasWarned) logger.warn({ proxy: peer }, UNTRUSTED);
      hasWarned = true;
    }
    ctx.state.host = (isProxied && firstOf(ctx.get("X-Forwarded-Host"))) || (ctx.req.headers.host ?? "");
    const isEncrypted = "encrypted" in ctx.req.socket && ctx.req.socket.encrypted === true;
    ctx.state.isSecure = isEncrypted || (isProxied && isHttps(firstOf(ctx.get("X-Forwarded-Proto"))));
    return next();
  };
}

const UNTRUSTED =
  "X-Forwarded-For from an address that is not in TRUST_PROXY: if this is your proxy, name it there. Until then, all of " +
  "its visitors share the limits of one address.";

/** Returns the address at the other end of the connection; a Unix socket has none. */
function peerOf({ socket }: IncomingMessage): string {
  return parseAddress(socket.remoteAddress ?? "") ?? "";
}

/**
 * A request passes a few proxies. A longer list of trusted addresses is forged, and all forgers
 * share a bucket.
 */
const PROXIES_MAX = 16;

/**
 * Returns the nearest address that is not a trusted proxy's, read from the end of the list, which
 * the trusted proxy wrote. Entries that are not addresses all look alike, so such an entry counts
 * as the proxy that passed it on.
 */
function originOf(peer: string, list: string, trust: (address: string, hop: number) => boolean): string {
  let address = peer;
  let end = list.length;
  for (let hop = 0; end > 0 && hop < PROXIES_MAX; hop += 1) {
    const comma = list.lastIndexOf(",", end - 1);
    const next = parseAddress(list.slice(comma + 1, end));
    if (next === undefined) return address;
    if (!trust(next, hop)) return next;
    address = next;
    end = comma;
  }
  return end > 0 ? peer : address;
}

function firstOf(list: string): string {
  return (list.split(",")[0] ?? "").trim();
}

/** [RFC 3986 3.1] Schemes are case-insensitive, and some gateways write HTTPS. */
function isHttps(scheme: string): boolean {
  return scheme.toLowerCase() === "https";
}
