import type { Context } from "koa";
import type { Tail } from "../delivery/tail.ts";
import { refuse } from "../refusal.ts";
import type { Moderator } from "../rooms/moderate.ts";
import type { Site } from "../site.ts";
import { actorOf } from "./actor.ts";

/** The name of operators in the log of moderation. */
const OPERATOR: Moderator = { by: "operator", byName: "operator" };

/** Returns the operator who sends a request. Throws `not_operator`. */
export function operatorOf(ctx: Context): Moderator {
  if (!ctx.state.isOperator) throw refuse("not_operator");
  return OPERATOR;
}

/** Returns the moderator of a room who sends a request. Throws `not_allowed`. */
export async function moderatorOf(ctx: Context, site: Site, tail: Tail): Promise<Moderator> {
  const actor = actorOf(ctx, site);
  await site.access.assert(actor, "moderate", tail);
  const { member } = actor;
  return actor.isOperator || member === undefined ? OPERATOR : { by: member.id, byName: member.nickname };
}
