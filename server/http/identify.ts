import type { Context } from "koa";
import type { Guards } from "../guard/guards.ts";
import { mayUseCookie, type Session } from "../guard/session.ts";
import { type HostMember, readHostMember } from "../rooms/host-member.ts";
import { hostContextOf } from "./own-context.ts";

/**
 * Returns the user of the host that a request comes from, or null for anybody else. An error is
 * answered with 500, or with the refusal that was thrown.
 */
export type Identify = (ctx: Context) => HostMember | null | undefined | Promise<HostMember | null | undefined>;

/**
 * Sets `ctx.state.session` to that of the host's user, if there is one. The host is asked only
 * where a cookie of ours would count, or where the request has a proof that no other page can send.
 */
export async function findUser(ctx: Context, guards: Guards, identify: Identify): Promise<void> {
  const hasProof = ctx.get("Authorization") !== "";
  if (!hasProof && !mayUseCookie(ctx, guards)) return;
  const user = await identify(hostContextOf(ctx));
  if (user === null || user === undefined) return;
  const now = Date.now();
  const session: Session = {
    member: readHostMember(user),
    by: hasProof ? "token" : "cookie",
    issuedAt: now,
    // The host answers with each request, and knows how old the account is.
    expiresAt: now,
    since: 0,
    isDue: false,
    owner: "identify",
  };
  ctx.state.session = session;
}
