import Router from "@koa/router";
import type { Context } from "koa";
import { leaveRoom } from "../../db/members.ts";
import type { Member } from "../../protocol/event.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { RateLimits } from "../guard/rate-limit.ts";
import { clearSessionCookie, type Session, setSessionCookie } from "../guard/session.ts";
import { readMember } from "../rooms/member.ts";
import type { Site } from "../site.ts";
import { answer } from "./answer.ts";
import { inputOf } from "./input.ts";
import { payerOf } from "./payer.ts";

/** Choosing a nickname, and giving it up. */
export function sessionRoutes(site: Site, limits: RateLimits): Router {
  const router = new Router();

  router.post(PATHS.session, async (ctx) => {
    const { member, token } = await openSession(ctx, site, limits);
    setSessionCookie(ctx, token);
    answer(ctx, { token, member }, 201);
  });

  // where POST is blocked; a GET that anybody's page can cause must not set a cookie
  router.get(PATHS.session, async (ctx) => {
    answer(ctx, await openSession(ctx, site, limits));
  });

  router.post(PATHS.sessionEnd, async (ctx) => {
    const session: Session | undefined = ctx.state.session;
    if (session) {
      limits.moves.take(payerOf(ctx));
      await leaveRoom(site.db, { memberId: session.member.id });
    }
    clearSessionCookie(ctx);
    answer(ctx, {});
  });

  return router;
}

/** Makes a session; who has one already stays the same person under the new nickname. */
export async function openSession(
  ctx: Context,
  site: Site,
  limits: RateLimits,
): Promise<{ member: Member; token: string }> {
  const input = inputOf(ctx);
  const session: Session | undefined = ctx.state.session;
  limits.sessions.take(payerOf(ctx));
  const member = readMember(input.string("nickname") ?? "", input.string("color"), site.tokens.trip, session?.member);
  return { member, token: site.tokens.sign(member) };
}
