import type { Context } from "koa";
import { refuse } from "../refusal.ts";
import type { Tokens } from "../token.ts";
import type { Guards } from "./guards.ts";
import { cookieOf, readCookie, type Session, type SessionKeys, setVisitCookie } from "./session.ts";
import { isBrowser, type RequestSource } from "./source.ts";

/**
 * Makes the token of this visitor's forms, which proves that a request comes from a page made for
 * this browser. It is bound to the member or, for a visitor without a session, to a random cookie
 * that is sent with the page.
 */
export function formTokenOf(ctx: Context, tokens: Tokens): string {
  const session: Session | undefined = ctx.state.session;
  return tokens.formToken(session?.member.id ?? cookieOf(ctx, tokens, "visit") ?? setVisitCookie(ctx, tokens));
}

/**
 * Refuses a change that another site's page may have caused. Throws `forbidden`.
 *
 * | source | lets through |
 * | own | all |
 * | listed | requests that a token authorizes; the cookie has not counted |
 * | other-site | nothing |
 * | other-host | requests that are bound to this browser |
 * | unknown | requests with a token, or bound to this browser; of programs, any form token |
 *
 * An `other-host` is another site, or this one behind a proxy that hides its name.
 *
 * A GET that changes something ignores the cookie, or reveals nothing through it, so an unknown
 * source may send one.
 */
export function assertMayChange(ctx: Context, site: SessionKeys): void {
  if (mayChange(ctx, site)) return;
  throw Object.assign(refuse("forbidden"), ctx.get("Origin") === "null" && { needs: "window" as const });
}

function mayChange(ctx: Context, site: SessionKeys): boolean {
  const { session, guards, source } = ctx.state as { session?: Session; guards: Guards; source: RequestSource };
  if (source === "own") return true;
  if (source === "listed") return !guards.page;
  if (source === "other-site") return false;
  if (source === "other-host") return isBound(ctx, site);
  if (ctx.method === "GET" || session?.by === "token") return true;
  if (session?.by === "cookie") return isBound(ctx, site);
  // A form without a session gives this browser a nickname, so another site's page must not send
  // it.
  return !guards.page || (isBrowser(ctx) ? isBound(ctx, site) : formBinding(ctx, site) !== undefined);
}

/**
 * Returns whether the request proves that it comes from a page made for this browser: by a form
 * token made for one of its cookies, or by the token of the session in its cookie. Another site's
 * page has only tokens of its own, and cannot plant the cookies.
 */
export function isBound(ctx: Context, site: SessionKeys): boolean {
  const session: Session | undefined = ctx.state.session;
  const inCookie = readCookie(ctx, site)?.member.id;
  if (session?.by === "token" && session.member.id === inCookie) return true;
  const binding = formBinding(ctx, site);
  if (session?.owner === "identify" && binding === session.member.id) return true;
  return binding !== undefined && (binding === inCookie || binding === cookieOf(ctx, site.tokens, "visit"));
}

/** Returns the binding of the request's form token; `undefined` if it has none of ours. */
function formBinding(ctx: Context, site: SessionKeys): string | undefined {
  const { form_token: token } = ctx.state.body as { form_token?: unknown };
  return typeof token === "string" ? site.tokens.readFormToken(token) : undefined;
}
