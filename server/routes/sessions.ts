import type { Context } from "koa";
import { roomsOf } from "../../db/log/members.ts";
import type { Member } from "../../protocol/event.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { RateLimits } from "../guard/rate-limit.ts";
import { type Session, sessionOf } from "../guard/session.ts";
import { clearSessionCookie, setSessionCookie } from "../guard/session-cookie.ts";
import { answer } from "../http/answer.ts";
import { inputOf } from "../http/input.ts";
import { payerOf } from "../http/payer.ts";
import type { Route } from "../http/route.ts";
import { refuse } from "../refusal.ts";
import { nameRequest, sessionRequest } from "../requests.ts";
import { readMember } from "../rooms/member.ts";
import { readNickname } from "../rooms/nickname.ts";
import type { Site } from "../site.ts";
import { TICKET_MS } from "../token.ts";

/** Returns the routes that open, describe, prove and end a session. */
export function sessionRoutes(site: Site, limits: RateLimits): Route[] {
  const acting = { api: true, auth: "token", cookie: "counts", mutates: true } as const;
  return [
    { method: "POST", path: PATHS.session, guards: acting, handle: open },
    // For networks that block POST. Any page can cause a GET, so this one sets no cookie.
    {
      method: "GET",
      path: PATHS.session,
      guards: { ...acting, urlToken: true, cookie: "not for scripts", jsonp: true },
      handle: async (ctx) => {
        if (inputOf(ctx).read(sessionRequest).nickname === undefined) describe(ctx);
        else answer(ctx, await openSession(ctx, site));
      },
    },
    // By GET too, for networks that block POST, with the token in the Authorization header.
    { method: "POST", path: PATHS.sessionTicket, guards: acting, handle: giveTicket },
    { method: "GET", path: PATHS.sessionTicket, guards: acting, handle: giveTicket },
    { method: "POST", path: PATHS.sessionEnd, guards: acting, handle: end },
  ];

  async function open(ctx: Context): Promise<void> {
    const { member, token } = await openSession(ctx, site);
    setSessionCookie(ctx, site, token);
    answer(ctx, { token, member }, 201);
  }

  /** Answers with the session's member, and with the time until which it may stay unused. */
  function describe(ctx: Context): void {
    const { member, issuedAt, expiresAt } = sessionOf(ctx);
    // The host's token may say when it expires.
    const until = expiresAt > issuedAt ? expiresAt : site.tokens.expiresAt(issuedAt);
    answer(ctx, { member, expires: new Date(until).toISOString() });
  }

  function giveTicket(ctx: Context): void {
    const { member, issuedAt, since } = sessionOf(ctx);
    answer(ctx, { ticket: site.tokens.ticket(member, issuedAt, since), ticketSeconds: TICKET_MS / 1000 });
  }

  /** Ends every token of the session, on every node. */
  async function end(ctx: Context): Promise<void> {
    const session: Session | undefined = ctx.state.session;
    if (session) {
      limits.moves.take(payerOf(ctx));
      await site.revocations.revoke(session.member.id, session.issuedAt);
      await site.leave(await roomsOf(site.db, session.member.id));
    }
    clearSessionCookie(ctx, site);
    answer(ctx, {});
  }
}

/**
 * Opens a session. A person who has one already stays the same person under the new nickname. The
 * request may name a color; `usualColor` is the one that it gets otherwise.
 */
export async function openSession(
  ctx: Context,
  site: Site,
  usualColor?: string,
): Promise<{ member: Member; token: string }> {
  const input = inputOf(ctx);
  const { limits } = site;
  const session: Session | undefined = ctx.state.session;
  limits.sessions.take(payerOf(ctx));
  if (session?.owner !== undefined) return keepName(session, input.read(sessionRequest).nickname, site);
  const names = { isReserved: site.reserved.hasNickname, tripOf };
  const { nickname: typed, color = usualColor } = input.read(nameRequest);
  const member = await readMember({ nickname: typed, color }, names, session?.member);
  return { member, token: site.tokens.sign(member, session?.since) };

  async function tripOf(nickname: string, secret: string): Promise<string> {
    limits.trips.take(payerOf(ctx));
    return site.trips.of(nickname, secret);
  }
}

/** The host decides about the name of its users. Throws `not_allowed` for another name. */
function keepName(
  { member, since, owner, hostToken }: Session,
  typed: string | undefined,
  { tokens }: Site,
): { member: Member; token: string } {
  if (typed !== undefined && readNickname(typed).nickname !== member.nickname) throw refuse("not_allowed", NOT_YOURS);
  return { member, token: hostToken ?? tokens.sign(member, since, owner) };
}

const NOT_YOURS = "The name of this session belongs to an account, so it cannot be changed here.";
