import type { Middleware } from "koa";
import proxyAddr from "proxy-addr";

/**
 * Finds where a request comes from: `ctx.state.address`, `ctx.state.host`, `ctx.state.isSecure`. X-Forwarded-For, -Host
 * and -Proto are believed of the proxies in `trusted` only (addresses, CIDRs, `loopback`, …); of nobody by default.
 */
export function clientAddress(trusted: string[]): Middleware {
  const trust = proxyAddr.compile(trusted);
  return async (ctx, next) => {
    const isProxied = trust(ctx.req.socket.remoteAddress ?? "", 0);
    ctx.state.address = proxyAddr(ctx.req, trust);
    ctx.state.host = (isProxied && firstOf(ctx.get("X-Forwarded-Host"))) || ctx.get("Host");
    const isEncrypted = "encrypted" in ctx.req.socket && ctx.req.socket.encrypted === true;
    ctx.state.isSecure = isEncrypted || (isProxied && firstOf(ctx.get("X-Forwarded-Proto")) === "https");
    await next();
  };
}

function firstOf(list: string): string {
  return (list.split(",")[0] ?? "").trim();
}
