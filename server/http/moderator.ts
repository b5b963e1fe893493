import type { Context } from "koa";
import type { Tail } from "../delivery/tail.ts";
import { signInOf } from "../guard/operators.ts";
import { refuse } from "../refusal.ts";
import type { Moderator } from "../rooms/moderate.ts";
import type { Site } from "../site.ts";

/** The name of operators in the log of moderation. */
const OPERATOR: Moderator = { by: "operator", byName: "operator" };

/** Returns the operator who sends a request. Throws `not_operator`. */
export function operatorOf(ctx: Context, site: Site): Moderator {
  if (signInOf(ctx, site) === undefined) throw refuse("not_operator");
  return OPERATOR;
}

/** Returns the moderator of a room who sends a request. Throws `not_allowed`. */
export function moderatorOf(ctx: Context, site: Site, _tail: Tail): Moderator {
  if (signInOf(ctx, site) !== undefined) return OPERATOR;
  throw refuse("not_allowed");
}
