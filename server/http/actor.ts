import type { Context } from "koa";
import type { Member } from "../../protocol/event.ts";
import type { Actor } from "../actor.ts";
import { wallNow } from "../clock.ts";
import type { Session } from "../guard/session.ts";
import type { Site } from "../site.ts";
import { noteContext } from "./authorize.ts";
import { browserOf } from "./browser.ts";

/** Returns the person behind a request. `member` is one that the request has just made. */
export function actorOf(ctx: Context, site: Site, member?: Member): Actor {
  const known: Actor | undefined = ctx.state.actor;
  if (known !== undefined && (member === undefined || member === known.member)) return known;
  const session: Session | undefined = ctx.state.session;
  const actor: Actor = {
    member: member ?? session?.member,
    since: session?.since ?? wallNow(),
    issuedAt: session?.issuedAt ?? wallNow(),
    browser: browserOf(ctx, site),
    address: ctx.state.address,
    isOperator: ctx.state.isOperator === true,
    ...(session?.owner !== undefined && { hostRank: session.role ?? "trip" }),
  };
  ctx.state.actor = actor;
  if (site.askHost !== undefined || site.findUser !== undefined) noteContext(actor, ctx);
  return actor;
}
