import type { Context } from "koa";
import { refuse } from "../refusal.ts";
import { isBound } from "./proof.ts";
import { clearFormerCookies, cookieOf, type Session, type SessionKeys, setCookie, setSession } from "./session.ts";
import { isBrowser } from "./source.ts";

const TEXT_BROWSER = /^(w3m|Lynx|edbrowse|E?Links)\b/i;

/**
 * Sends a browser its session as a cookie. Not if another site's page may have requested it,
 * because the visitor would then speak under that page's nickname; and not if a token authorized
 * the request, because it may be the attacker's own.
 */
export function setSessionCookie(ctx: Context, site: SessionKeys, token: string): void {
  const session: Session | undefined = ctx.state.session;
  // The host's own cookie says who its users are, and until when.
  if (session?.by === "token" || session?.owner === "identify" || !isOwnPage(ctx, site)) return;
  setSession(ctx, site, token);
}

/**
 * Refuses a form that came without any of our cookies, though its page was sent with one. The
 * session's cookie would not arrive either: after entering, the person would be a visitor again,
 * without a word, and their nickname taken by nobody but themselves. A program may do without the
 * first cookie, since it gets the session's from the answer. Throws `forbidden`.
 */
export function assertKeepsCookies(ctx: Context, { tokens }: SessionKeys): void {
  const mayKeep = isBrowser(ctx) || TEXT_BROWSER.test(ctx.get("User-Agent"));
  const isOurForm = mayKeep && typeof ctx.state.body.form_token === "string";
  if (!isOurForm || ctx.state.session !== undefined || cookieOf(ctx, tokens, "visit") !== undefined) return;
  throw Object.assign(refuse("forbidden", "The browser keeps no cookie of this site."), { needs: "cookie" as const });
}

/** Clears the session cookie under the same conditions. */
export function clearSessionCookie(ctx: Context, site: SessionKeys): void {
  if (!isOwnPage(ctx, site)) return;
  setCookie(ctx, site.tokens, { kind: "session", value: "", maxAgeMs: 0 });
  clearFormerCookies(ctx, site);
}

/** A request from an `other-host` that changes something has been proved by the guards before. */
function isOwnPage(ctx: Context, site: SessionKeys): boolean {
  const { source, guards } = ctx.state;
  if (source === "unknown") return !isBrowser(ctx) || isBound(ctx, site);
  return source === "own" || (source === "other-host" && guards.mutates === true);
}
