import type { Context, Middleware } from "koa";
import type { Member } from "../../protocol/event.ts";
import { PATHS } from "../../protocol/paths.ts";
import { refuse } from "../refusal.ts";
import type { Tokens } from "../token.ts";
import { isForeign } from "./foreign.ts";

/** Who is speaking, and how that was proved: a cookie is sent by the browser, whoever made it send it. */
export type Session = { member: Member; by: "token" | "cookie" };

/** The cookie that holds a browser's token. */
export const SESSION_COOKIE = "chattera";

/** A year: who comes back next summer is the same person. */
const COOKIE_MS = 365 * 24 * 3_600_000;

/** What only reads. */
export const READING_PATH = /^\/api\/(events|stream|frame|poll)$/;

/** Paths where the token may stand in the query: networks and embeds lose the header and the cookie. Never logged. */
const QUERY_TOKEN_PATH = /^\/api\/(events|stream|frame|poll|session|rooms\/[^/]+\/say)$/;

/**
 * Finds who is speaking, for `ctx.state.session`: `Authorization: Bearer`, `token` in the body or, where it may stand
 * there, in the query; else the cookie. A token that is not ours is `no_session`, but for who only reads; a cookie that is not ours is none.
 */
export function session(tokens: Tokens): Middleware {
  return async (ctx, next) => {
    const token = tokenOf(ctx);
    if (token !== undefined) {
      const member = tokens.verify(token);
      if (member) ctx.state.session = { member, by: "token" } satisfies Session;
      // reading needs no session, and 401 would end a browser's EventSource for good
      else if (!READING_PATH.test(ctx.path)) throw refuse("no_session");
    } else if (mayUseCookie(ctx)) {
      const member = tokens.verify(ctx.cookies.get(SESSION_COOKIE) ?? "");
      if (member) ctx.state.session = { member, by: "cookie" } satisfies Session;
    }
    await next();
  };
}

/** The member that speaks. Throws `no_session`. */
export function memberOf(ctx: Context): Member {
  const session: Session | undefined = ctx.state.session;
  if (session === undefined) throw refuse("no_session");
  return session.member;
}

/** Gives a browser its session; not at another site's bidding, whose nickname it would then speak under here. */
export function setSessionCookie(ctx: Context, token: string): void {
  if (isForeign(ctx)) return;
  ctx.cookies.secure = ctx.state.isSecure;
  ctx.cookies.set(SESSION_COOKIE, token, {
    httpOnly: true,
    sameSite: "lax",
    secure: ctx.state.isSecure,
    path: ctx.state.base || "/",
    maxAge: COOKIE_MS,
    overwrite: true,
  });
}

/** Takes it away again, with the same reserve. */
export function clearSessionCookie(ctx: Context): void {
  if (isForeign(ctx)) return;
  ctx.cookies.set(SESSION_COOKIE, "", { path: ctx.state.base || "/", maxAge: 0, overwrite: true });
}

function tokenOf(ctx: Context): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(ctx.get("Authorization"))?.[1];
  if (bearer) return bearer;
  const { token } = ctx.state.body as { token?: unknown };
  if (typeof token === "string" && token !== "") return token;
  if (!QUERY_TOKEN_PATH.test(ctx.path)) return undefined;
  return paramOf(ctx, "token");
}

/**
 * Not where anybody's page can make the browser send one: text/plain needs no preflight, `say` is a GET that writes, and
 * a session as a script would give that page the token.
 */
function mayUseCookie(ctx: Context): boolean {
  if (ctx.path === PATHS.session && paramOf(ctx, "callback") !== undefined) return false;
  return !ctx.get("Content-Type").toLowerCase().startsWith("text/plain") && !ctx.path.endsWith("/say");
}

/** A parameter in the query or the path. */
function paramOf(ctx: Context, wanted: string): string | undefined {
  const params: [string, string][] = ctx.state.pathParams;
  const query: URLSearchParams = ctx.state.query;
  return params.find(([name]) => name === wanted)?.[1] || query.get(wanted) || undefined;
}
