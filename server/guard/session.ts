import { randomBytes } from "node:crypto";
import type { Context } from "koa";
import type { Member } from "../../protocol/event.ts";
import type { Role } from "../../protocol/room-settings.ts";
import { wallNow } from "../clock.ts";
import { refuse } from "../refusal.ts";
import type { NameOwner, Tokens } from "../token.ts";
import type { Guards } from "./guards.ts";

/** The part of a site that sessions need: keys, revocations, and the life of a session. */
export type SessionKeys = {
  readonly tokens: Tokens;
  readonly revocations: {
    /**
     * Returns true if the member's tokens of this time, in milliseconds since 1970, were revoked.
     */
    isRevoked(memberId: string, issuedAt: number): boolean;
  };
  readonly config: { readonly sessionDays: number };
};

/**
 * The request's session and its proof. A browser sends the cookie for any page, so `by` decides
 * what the session may do. `isDue`: the client should get a newer token, since this one is a day
 * old, or signed with an old secret.
 */
export type Session = {
  member: Member;
  by: "token" | "cookie";
  issuedAt: number;
  /** When the token or the ticket expires, in milliseconds since 1970. */
  expiresAt: number;
  /** When the session began. Its token may be newer. */
  since: number;
  isDue: boolean;
  /** The host decides about name and color. */
  owner: NameOwner | undefined;
  /** The role that the host gives its user in every room. */
  role?: Role | undefined;
  /** The token by which the host's user was found, which is not one of ours. */
  hostToken?: string;
};

type Cookie = { kind: CookieKind; value: string; maxAgeMs?: number };

/**
 * The session's cookie, the one that binds the forms of a visitor without a session, and that of an
 * operator, which browsers send for pages of the site only.
 */
type CookieKind = "session" | "visit" | "operator";

/** Characters of the cookie that binds forms. */
export const VISIT_LENGTH = 16;

/**
 * A token is exchanged for a newer one after this time, so that a session ends only after its whole
 * life without use.
 */
const RENEW_MS = 24 * 3_600_000;

/**
 * Sets `ctx.state.session` from the request's proof: by `Authorization: Bearer`, by `token` in the
 * body, by `token` or `ticket` in the URL where the route allows it, else by the cookie where that
 * counts. Throws `no_session` for a token that is invalid, expired or revoked, except on routes
 * where auth is optional.
 */
export function findSession(ctx: Context, guards: Guards, site: SessionKeys): void {
  // The host has said who it is.
  if (ctx.state.session !== undefined) return;
  const token = tokenOf(ctx, guards);
  if (token !== undefined) {
    const session = readSession(site, token, "token") ?? readTicket(site, guards, token);
    if (session) ctx.state.session = session;
    if (session?.isDue) ctx.state.renewedToken = site.tokens.sign(session.member, session.since, session.owner);
    if (!session && guards.auth === "token") throw refuse("no_session");
  } else if (mayUseCookie(ctx, guards)) {
    const session = readCookie(ctx, site);
    if (session) ctx.state.session = session;
    if (session?.isDue && (guards.page || ctx.method === "POST")) renewCookie(ctx, site, session);
  }
}

/** Returns the member of the request's session. Throws `no_session`. */
export function memberOf(ctx: Context): Member {
  return sessionOf(ctx).member;
}

/** Returns the session of the request. Throws `no_session`. */
export function sessionOf(ctx: Context): Session {
  const session: Session | undefined = ctx.state.session;
  if (session === undefined) throw refuse("no_session");
  return session;
}

/** Returns the value of one of our cookies, or `undefined`. */
export function cookieOf(ctx: Context, tokens: Tokens, kind: CookieKind): string | undefined {
  return ctx.cookies.get(cookieName(ctx, tokens, kind)) || undefined;
}

/**
 * Sets the cookie that binds the forms of a visitor without a session to this browser, until the
 * browser ends. Returns its value.
 */
export function setVisitCookie(ctx: Context, tokens: Tokens): string {
  ctx.state.visit ??= randomBytes((VISIT_LENGTH * 3) / 4).toString("base64url");
  setCookie(ctx, tokens, { kind: "visit", value: ctx.state.visit });
  return ctx.state.visit;
}

/** Returns the token or ticket of a request, wherever the route allows one. */
export function tokenOf(ctx: Context, guards: Guards): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(ctx.req.headers.authorization ?? "")?.[1];
  if (bearer) return bearer;
  const { token } = ctx.state.body as { token?: unknown };
  if (typeof token === "string" && token !== "") return token;
  const ticket = guards.tickets && paramOf(ctx, "ticket");
  return ticket || (guards.urlToken && paramOf(ctx, "token")) || undefined;
}

/** Returns a parameter of the query or the path. */
function paramOf(ctx: Context, wanted: string): string | undefined {
  const params: [string, string][] = ctx.state.pathParams;
  const query: URLSearchParams = ctx.state.query;
  return query.get(wanted) || params.find(([name]) => name === wanted)?.[1] || undefined;
}

/**
 * Returns whether the cookie counts. A body of `text/plain` needs no preflight, so any page can
 * make a browser send it. A script would hand the answer to its page.
 */
export function mayUseCookie(ctx: Context, guards: Guards): boolean {
  if (guards.cookie === "never" || ctx.state.source === "listed") return false;
  if (guards.cookie === "not for scripts" && ctx.state.isScript) return false;
  return !ctx.req.headers["content-type"]?.toLowerCase().startsWith("text/plain");
}

/** Returns the session of the cookie, whether or not the cookie counts for this request. */
export function readCookie(ctx: Context, site: SessionKeys): Session | undefined {
  const session = readSession(site, cookieOf(ctx, site.tokens, "session") ?? "", "cookie");
  if (session) return session;
  for (const name of formerNames(ctx)) {
    const former = readSession(site, ctx.cookies.get(name) ?? "", "cookie");
    if (former) return { ...former, isDue: true };
  }
  return undefined;
}

/**
 * Sends the browser a newer token for the same session. It also replaces a cookie under the former
 * name.
 */
function renewCookie(ctx: Context, site: SessionKeys, { member, since, owner }: Session): void {
  setSession(ctx, site, site.tokens.sign(member, since, owner));
  clearFormerCookies(ctx, site);
}

/** Sets the session's cookie, which lasts as long as the session does without use. */
export function setSession(ctx: Context, site: SessionKeys, token: string): void {
  setCookie(ctx, site.tokens, { kind: "session", value: token, maxAgeMs: site.config.sessionDays * 24 * 3_600_000 });
}

/** Clears the cookies under former names. Another site's are left alone. */
export function clearFormerCookies(ctx: Context, { tokens }: SessionKeys): void {
  for (const name of formerNames(ctx))
    if (tokens.verify(ctx.cookies.get(name) ?? "") !== undefined) putCookie(ctx, name, { value: "", maxAgeMs: 0 });
}

function readSession(site: SessionKeys, token: string, by: Session["by"]): Session | undefined {
  if (token === "") return undefined;
  const read = site.tokens.verify(token);
  if (read === undefined || site.revocations.isRevoked(read.member.id, read.issuedAt)) return undefined;
  // The host would have confirmed it before.
  if (read.owner === "identify") return undefined;
  const isDue = read.isOld || wallNow() - read.issuedAt > RENEW_MS;
  const { member, issuedAt, since, owner } = read;
  return { member, by, issuedAt, expiresAt: site.tokens.expiresAt(issuedAt), since, isDue, owner };
}

/**
 * Reads a ticket, which replaces its session's token in URLs for a few minutes. It is never
 * exchanged for a token.
 */
function readTicket(site: SessionKeys, guards: Guards, ticket: string): Session | undefined {
  const read = guards.tickets ? site.tokens.verifyTicket(ticket) : undefined;
  if (read === undefined || site.revocations.isRevoked(read.member.id, read.issuedAt)) return undefined;
  return { ...read, by: "token", isDue: false };
}

/**
 * Sets one of our cookies. Without `maxAgeMs` it lasts until the browser ends; 0 clears it.
 *
 * [RFC 6265bis, CHIPS] In a frame of a listed origin, browsers accept and send only a cookie that
 * asks for it, and only over TLS. No guard relies on SameSite: the source of every request is
 * checked.
 */
export function setCookie(ctx: Context, tokens: Tokens, { kind, ...cookie }: Cookie): void {
  putCookie(ctx, cookieName(ctx, tokens, kind), { ...cookie, isStrict: kind === "operator" });
}

type NamelessCookie = Omit<Cookie, "kind"> & { isStrict?: boolean };

/** Clears one of our cookies. */
export function clearCookie(ctx: Context, tokens: Tokens, kind: CookieKind): void {
  setCookie(ctx, tokens, { kind, value: "", maxAgeMs: 0 });
}

function putCookie(ctx: Context, name: string, { value, maxAgeMs, isStrict = false }: NamelessCookie): void {
  const isFramed: boolean = ctx.state.isSecure && ctx.state.isFramable && !isStrict;
  // The cookies library refuses a secure cookie on a connection that looks insecure to it, as
  // behind a proxy.
  ctx.cookies.secure = ctx.state.isSecure;
  ctx.cookies.set(name, value, {
    httpOnly: true,
    sameSite: isStrict ? "strict" : isFramed ? "none" : "lax",
    partitioned: isFramed,
    secure: ctx.state.isSecure,
    path: ctx.state.base || "/",
    overwrite: true,
    ...(maxAgeMs !== undefined && { maxAge: maxAgeMs }),
  });
}

/**
 * [RFC 6265bis 4.1.3.2] No sibling domain can plant a cookie named `__Host-`, but such a name is
 * allowed only under TLS and at the path `/`.
 *
 * Cookies ignore ports, and one machine may have several sites. So the name contains the port that
 * the request names or, where it names none, letters that stand for the site: some proxies drop the
 * port.
 */
function cookieName(ctx: Context, tokens: Tokens, kind: CookieKind): string {
  const name = kind === "session" ? "chattera" : `chattera-${kind}`;
  return `${isHostOnly(ctx) ? "__Host-" : ""}${name}-${portOf(ctx) ?? tokens.siteLetters}`;
}

/**
 * Returns the names that the session's cookie had before 2026-12-01, of which the last is older.
 */
function formerNames(ctx: Context): string[] {
  if (isHostOnly(ctx)) return ["__Host-chattera", "chattera"];
  return portOf(ctx) === undefined ? [`chattera-${ctx.state.isSecure ? 443 : 80}`, "chattera"] : ["chattera"];
}

function isHostOnly(ctx: Context): boolean {
  return ctx.state.isSecure && ctx.state.base === "";
}

function portOf(ctx: Context): string | undefined {
  return /:(\d{1,5})$/.exec(ctx.state.host ?? "")?.[1];
}
