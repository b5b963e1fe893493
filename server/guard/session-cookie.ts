import type { Context } from "koa";
import { isBound } from "./proof.ts";
import { clearFormerCookie, type Session, type SessionKeys, setCookie, setSession } from "./session.ts";
import { isBrowser } from "./source.ts";

/**
 * Sends a browser its session as a cookie. Not if another site's page may have requested it,
 * because the visitor would then speak under that page's nickname; and not if a token authorized
 * the request, because it may be the attacker's own.
 */
export function setSessionCookie(ctx: Context, site: SessionKeys, token: string): void {
  const session: Session | undefined = ctx.state.session;
  if (session?.by === "token" || !isOwnPage(ctx, site)) return;
  setSession(ctx, site, token);
}

/** Clears the session cookie under the same conditions. */
export function clearSessionCookie(ctx: Context, site: SessionKeys): void {
  if (!isOwnPage(ctx, site)) return;
  setCookie(ctx, { kind: "session", value: "", maxAgeMs: 0 });
  clearFormerCookie(ctx);
}

/** A request from an `other-host` that changes something has been proved by the guards before. */
function isOwnPage(ctx: Context, site: SessionKeys): boolean {
  const { source, guards } = ctx.state;
  if (source === "unknown") return !isBrowser(ctx) || isBound(ctx, site);
  return source === "own" || (source === "other-host" && guards.mutates === true);
}
