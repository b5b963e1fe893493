import type { IncomingMessage } from "node:http";
import type { Middleware } from "koa";
import proxyAddr from "proxy-addr";
import { parseAddress } from "./address.ts";

/**
 * Sets `ctx.state.address`, `ctx.state.host` and `ctx.state.isSecure` of a request. X-Forwarded-For, -Host and -Proto
 * count only when a proxy in `trusted` sent them (addresses, CIDRs, `loopback`, …); by default none do.
 */
export function clientAddress(trusted: string[]): Middleware {
  const trust = proxyAddr.compile(trusted);
  return async (ctx, next) => {
    const peer = peerOf(ctx.req);
    const isProxied = trust(peer, 0);
    ctx.state.address = isProxied ? originOf(peer, ctx.get("X-Forwarded-For"), trust) : peer;
    ctx.state.host = (isProxied && firstOf(ctx.get("X-Forwarded-Host"))) || ctx.get("Host");
    const isEncrypted = "encrypted" in ctx.req.socket && ctx.req.socket.encrypted === true;
    ctx.state.isSecure = isEncrypted || (isProxied && firstOf(ctx.get("X-Forwarded-Proto")) === "https");
    await next();
  };
}

/** Returns the address at the other end of the connection; a Unix socket has none. */
function peerOf({ socket }: IncomingMessage): string {
  return parseAddress(socket.remoteAddress ?? "") ?? "";
}

/** A request passes a few proxies; a longer list of trusted addresses is forged, and all forgers share a bucket. */
const PROXIES_MAX = 16;

/**
 * Returns the nearest address that is not a trusted proxy's, read from the end of the list, which the trusted proxy
 * wrote. An entry that is not an address cannot be told from any other, so it counts as the proxy that passed it on.
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
