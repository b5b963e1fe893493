import type { Context } from "koa";
import type { Payer } from "../guard/rate-limit.ts";
import type { Session } from "../guard/session.ts";

/** Returns whose buckets a request is charged to; `room` is the slug of the room in which it acts. */
export function payerOf(ctx: Context, room?: string): Payer {
  const session: Session | undefined = ctx.state.session;
  return { address: ctx.state.address, member: session?.member.id, room };
}
