import type { Middleware } from "koa";
import helmet from "koa-helmet";

/**
 * The headers that every answer carries, errors included. No script or style but our own files; frames of our own site
 * only. No HSTS: many run without TLS on an inner network, and who runs TLS sets it at the proxy.
 */
export function securityHeaders(): Middleware {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "frame-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'self'"],
      },
    },
    strictTransportSecurity: false,
    referrerPolicy: { policy: "no-referrer" },
  }) as unknown as Middleware;
}

/** [trust I17] Nothing that the site says is kept by anybody on the way; the assets say otherwise of themselves. */
export const noStore: Middleware = async (ctx, next) => {
  ctx.set("Cache-Control", "no-store, no-transform");
  ctx.set("Pragma", "no-cache");
  await next();
};
