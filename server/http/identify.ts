import type { Context } from "koa";
import { wallNow } from "../clock.ts";
import type { Guards } from "../guard/guards.ts";
import { mayUseCookie, type Session, tokenOf } from "../guard/session.ts";
import { type Credentials, type FoundUser, hostCookies } from "../identity/credentials.ts";
import { refuse } from "../refusal.ts";
import { type HostUser, readHostUser } from "../rooms/host-member.ts";
import type { Tokens } from "../token.ts";
import { askPatiently, type HostAsking } from "./ask-host.ts";
import { hostContextOf } from "./own-context.ts";

/** Returns the user of the host that a request comes from, or null for anybody else. */
export type Identify = (ctx: Context) => HostUser | null | undefined | Promise<HostUser | null | undefined>;

/**
 * The proof of a request for the host. `isProven`: no page of another site can have caused the
 * request.
 */
export type HostProof = { credentials: Credentials; isProven: boolean };

/** Finds the host's user behind a request: by the host's function, by HTTP, or in a JWT. */
export type FindUser = (ctx: Context, proof: HostProof) => Promise<FoundUser | null>;

/** The parts of a site that finding a user needs. */
export type IdentifyingSite = {
  findUser: FindUser | undefined;
  tokens: Pick<Tokens, "verify" | "verifyTicket">;
  config: { authCookies: string[]; jwtCookie?: string | undefined };
};

/**
 * Returns the function that asks a function of the host, which reads the request itself. It throws
 * a HostFailure if that fails, answers late, or returns what is no user.
 */
export function byFunction(identify: Identify, options: HostAsking): FindUser {
  const ask = askPatiently({ name: "identify", ...options }, identify, (user) => (user ? readHostUser(user) : null));
  return async (ctx, { isProven }) => (isProven ? ask(hostContextOf(ctx)) : null);
}

/**
 * Sets `ctx.state.session` to that of the host's user, if there is one. The host is asked only
 * where a cookie of ours would count, or where the request has a proof that no other page can send.
 */
export async function findUser(ctx: Context, guards: Guards, site: IdentifyingSite): Promise<void> {
  const { credentials, isProven, token, mustBe } = proofOf(ctx, guards, site);
  ctx.state.hostProof = { credentials, isProven } satisfies HostProof;
  if (site.findUser === undefined) return;
  const found = await site.findUser(ctx, ctx.state.hostProof);
  if (found === null || (mustBe !== undefined && mustBe !== found.member.id)) return;
  const now = wallNow();
  const session: Session = {
    member: found.member,
    by: token !== undefined || mustBe !== undefined || hasProvenHeader(ctx) ? "token" : "cookie",
    issuedAt: now,
    // The host answers with each request, and knows how old the account is.
    expiresAt: found.expiresAt ?? now,
    since: 0,
    isDue: false,
    owner: "identify",
    role: found.role,
    ...(token !== undefined && { hostToken: token }),
  };
  ctx.state.session = session;
}

/**
 * Returns what says who sends a request. A token that is not ours is the host's, and then no cookie
 * counts. A token that this site gave a user of the host is a proof, but only for that user, whom
 * the host has to confirm.
 */
function proofOf(ctx: Context, guards: Guards, { tokens, config }: IdentifyingSite) {
  const given = tokenOf(ctx, guards);
  const ours = given === undefined ? undefined : tokens.verify(given);
  const isTicket = guards.tickets === true && given !== undefined && tokens.verifyTicket(given) !== undefined;
  const token = ours || isTicket ? undefined : given;
  const mayCount = mayUseCookie(ctx, guards);
  const isOwner = ours?.owner === "identify";
  const cookie = mayCount || isOwner ? hostCookies(ctx.req.headers.cookie, namesOf(config)) : undefined;
  const credentials: Credentials =
    token !== undefined ? { authorization: `Bearer ${token}` } : cookie !== undefined ? { cookie } : {};
  const isProven = mayCount || isOwner || hasProvenHeader(ctx);
  const mustBe = isOwner && !mayCount ? ours?.member.id : undefined;
  return { credentials, isProven, token, mustBe };
}

/** The names of the cookies that the host gets; none for all. */
function namesOf({ authCookies, jwtCookie }: IdentifyingSite["config"]): string[] {
  return authCookies.length > 0 && jwtCookie !== undefined ? [...authCookies, jwtCookie] : authCookies;
}

/** A browser sends what a person has typed into its own dialog with every request, for any page. */
const OF_BROWSERS = /^(basic|digest|negotiate|ntlm)\b/i;

function hasProvenHeader(ctx: Context): boolean {
  const header = ctx.get("Authorization");
  return header !== "" && !OF_BROWSERS.test(header);
}

/** Returns whether the user of an open connection is still the one that the host has named. */
export async function isStillUser(
  ctx: Context,
  { findUser: find }: Pick<IdentifyingSite, "findUser">,
): Promise<boolean> {
  const session: Session | undefined = ctx.state.session;
  if (session?.owner !== "identify" || find === undefined) return true;
  const found = await find(ctx, ctx.state.hostProof);
  return found?.member.id === session.member.id && found.role === session.role;
}

/** Throws `no_session` if an open connection has lost its user. */
export async function assertStillUser(ctx: Context, site: Pick<IdentifyingSite, "findUser">): Promise<void> {
  if (!(await isStillUser(ctx, site))) throw refuse("no_session");
}
