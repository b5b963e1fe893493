import type { Context } from "koa";
import { refuse } from "../refusal.ts";

/**
 * Returns the seq that a path names. A number has one spelling. Throws `no_such_page`, and
 * `no_such_message` for a number that no message can have.
 */
export function seqOf(ctx: Context): number {
  const { seq = "" } = ctx.params as { seq?: string };
  if (!/^[1-9]\d*$/.test(seq)) throw refuse("no_such_page");
  if (!Number.isSafeInteger(Number(seq))) throw refuse("no_such_message");
  return Number(seq);
}
