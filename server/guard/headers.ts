import type { IncomingMessage, ServerResponse } from "node:http";
import helmet from "helmet";
import type { Context, Middleware } from "koa";

/**
 * The headers of every answer, errors included. They are set first, before any answer is chosen, so
 * no answer lacks them. JSON, scripts, pictures and text need no others: they run nothing and have
 * nothing to click. Why each header is sent, and on which answers, is in docs/protocol.md.
 */
export const COMMON_HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Resource-Policy": "same-origin",
  // [trust I17] Without no-transform: a proxy may compress JSON, as long as it keeps none.
  "Cache-Control": "no-store",
} as const;

type Header = [name: string, value: string];

/**
 * Sets the headers of every answer, and prepares those of documents. Three headers instead of the
 * thirteen of a document save 1.6 of the 2.8 µs that an answer's head takes, and 470 bytes.
 */
export function commonHeaders(origins: string[]): Middleware {
  const common: Header[] = Object.entries(COMMON_HEADERS);
  const ofDocuments: Header[] = Object.entries(documentHeaders(origins));
  return (ctx, next) => {
    setHeaders(ctx, common);
    ctx.state.documentHeaders = ofDocuments;
    return next();
  };
}

/**
 * Adds the headers that HTML needs, also for redirects to a page. Call it when the HTML becomes the
 * answer; after that, the answer must not change to another kind.
 */
export function setDocumentHeaders(ctx: Context): void {
  setHeaders(ctx, ctx.state.documentHeaders);
}

/** Sets headers without ctx.set(), which validates names and values a second time. */
function setHeaders(ctx: Context, headers: Header[]): void {
  for (const [name, value] of headers) ctx.res.setHeader(name, value);
}

/**
 * Returns the headers that documents have in addition to the common ones. A proxy must not write
 * into a page. Caches of HTTP/1.0 know `Pragma` only, and the URL of a page, unlike that of a poll,
 * has no nonce that would make it new to them.
 */
function documentHeaders(origins: string[]): { [name: string]: string } {
  return { ...helmetsHeaders(origins), "Cache-Control": "no-store, no-transform", Pragma: "no-cache" };
}

/**
 * Runs helmet once, since its headers are always the same: its dozen middlewares cost twice as much
 * as setting the headers.
 */
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
 * Allows no script or style except our own files. Pages of our own site and of `origins` may show
 * ours in a frame; X-Frame-Options cannot name origins, so it is left out if there are any. No
 * HSTS: many sites run without TLS on an inner network, and an operator with TLS sets it at the
 * proxy.
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
        "manifest-src": ["'self'"],
        "frame-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'self'", ...origins],
      },
    },
    strictTransportSecurity: false,
    // The common headers include these two.
    crossOriginResourcePolicy: false,
    xContentTypeOptions: false,
    xFrameOptions: origins.length === 0 && { action: "sameorigin" },
    // Not "no-referrer": under it Chromium 51-75, Firefox 70-89 and Safari before 16.4 send
    // `Origin: null` with the site's own forms, and no Sec-Fetch-Site that says better. Under
    // "same-origin" other sites get no Referer either. Browsers that do not know the value
    // (Chromium before 61) keep their default; links out of a message have `noreferrer`.
    referrerPolicy: { policy: "same-origin" },
  });
