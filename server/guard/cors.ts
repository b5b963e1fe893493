import type { Context } from "koa";
import type { RequestSource } from "./source.ts";

/** Browsers cache a preflight's answer for this long: two hours, the most that Chromium allows. */
const PREFLIGHT_SECONDS = 7_200;

/**
 * [Fetch 3.2] Lets a page of a listed origin read the answer. Never with credentials: the cookie is
 * for our own pages, and a page of another origin sends a token. Without the header, browsers
 * refuse.
 */
export function allowOrigin(ctx: Context, source: RequestSource): void {
  ctx.vary("Origin");
  if (source !== "listed" || ctx.get("Origin") === "") return;
  ctx.set("Access-Control-Allow-Origin", ctx.get("Origin"));
}

/**
 * Lets a page of a listed origin read the answer's Retry-After, which browsers hide across origins.
 */
export function exposeRetryAfter(ctx: Context): void {
  expose(ctx, "Retry-After");
}

/** Lets a page of a listed origin read the headers with these names. */
export function expose(ctx: Context, names: string): void {
  if (ctx.response.get("Access-Control-Allow-Origin")) ctx.set("Access-Control-Expose-Headers", names);
}

/**
 * Answers the preflight that a browser sends for a page of a listed origin before a request with a
 * token or JSON.
 */
export function answerPreflight(ctx: Context, source: RequestSource): void {
  allowOrigin(ctx, source);
  ctx.set("Access-Control-Allow-Methods", "GET, POST");
  ctx.set("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID, Cache-Control");
  ctx.set("Access-Control-Max-Age", String(PREFLIGHT_SECONDS));
  ctx.status = 204;
}
