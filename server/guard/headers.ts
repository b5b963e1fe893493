import type { IncomingMessage, ServerResponse } from "node:http";
import helmet from "helmet";
import type { Middleware } from "koa";

/** Sets the headers that every answer carries, errors included. */
export function everyAnswersHeaders(origins: string[]): Middleware {
  const headers = Object.entries(commonHeaders(origins));
  return async (ctx, next) => {
    // Not ctx.set(), which validates all thirteen names and values each time: 8 of a message's 340 µs.
    for (const [name, value] of headers) ctx.res.setHeader(name, value);
    await next();
  };
}

/**
 * Returns the headers that every answer carries. Helmet is asked for them once, for they are always the same: its dozen
 * middlewares cost twice what setting them costs. Pages of `origins` may show ours in a frame.
 */
export function commonHeaders(origins: string[]): { [name: string]: string } {
  return { ...helmetsHeaders(origins), ...NO_STORE };
}

/** [trust I17] Nothing that the site says is kept by anybody on the way; the assets say otherwise of themselves. */
const NO_STORE = { "Cache-Control": "no-store, no-transform", Pragma: "no-cache" };

function helmetsHeaders(origins: string[]): { [name: string]: string } {
  const headers: { [name: string]: string } = {};
  const response = {
    setHeader: (name: string, value: string) => {
      headers[name] = value;
    },
    removeHeader: () => undefined,
  };
  helmetFor(origins)({} as IncomingMessage, response as unknown as ServerResponse, () => undefined);
  return headers;
}

/**
 * No script or style but our own files. Pages of our own site and of `origins` may show ours in a frame; X-Frame-Options
 * cannot name origins, so it is left out if there are any. No HSTS: many sites run without TLS on an inner network, and
 * an operator with TLS sets it at the proxy.
 */
const helmetFor = (origins: string[]) =>
  helmet({
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
        "frame-ancestors": ["'self'", ...origins],
      },
    },
    strictTransportSecurity: false,
    xFrameOptions: origins.length === 0 && { action: "sameorigin" },
    // Not "no-referrer": under it Chromium 51-75, Firefox 70-89 and Safari before 16.4 send `Origin: null` with the site's
    // own forms, and no Sec-Fetch-Site that says better. Under "same-origin" other sites get no Referer either. Browsers
    // that do not know the value (Chromium before 61) keep their default; links out of a message carry `noreferrer`.
    referrerPolicy: { policy: "same-origin" },
  });
