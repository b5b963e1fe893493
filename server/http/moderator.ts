import type { Context } from "koa";
import { refuse } from "../refusal.ts";
import type { Moderator } from "../rooms/moderate.ts";

/** The name of operators in the log of moderation. */
const OPERATOR: Moderator = { by: "operator", byName: "operator" };

/** Returns the operator who sends a request. Throws `not_operator`. */
export function operatorOf(ctx: Context): Moderator {
  if (!ctx.state.isOperator) throw refuse("not_operator");
  return OPERATOR;
}

/** Returns the moderator of a room who sends a request. Throws `not_allowed`. */
export async function moderatorOf(ctx: Context): Promise<Moderator> {
  if (ctx.state.isOperator) return OPERATOR;
  throw refuse("not_allowed");
}
