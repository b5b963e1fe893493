import type { Context } from "koa";
import { wallNow } from "../clock.ts";
import type { Account } from "../delivery/catch-up.ts";
import type { Visitor } from "../delivery/slots.ts";
import { networksOf } from "../guard/address.ts";
import type { Payer } from "../guard/rate-limit.ts";
import type { Session } from "../guard/session.ts";
import type { Site } from "../site.ts";

/** A raid begins right after its sessions are made, so sessions count as new for a minute. */
const NEW_MS = 60_000;

/**
 * Returns whose buckets a request is charged to; `room` is the slug of the room in which it acts.
 */
export function payerOf(ctx: Context, room?: string): Payer {
  const session: Session | undefined = ctx.state.session;
  const isNew = session !== undefined && wallNow() - session.since < NEW_MS;
  return { address: ctx.state.address, member: session?.member.id, room, isNew };
}

/** Returns the visitor for whom a request needs a slot. */
export function visitorOf(ctx: Context, site: Site): Visitor {
  const { address, member } = payerOf(ctx);
  const { isManyVisitors } = ctx.state;
  return { networks: networksOf(address), factor: site.shares(address), member, isManyVisitors };
}

/**
 * Returns the account that a reader's catching up is charged to: `reads` of its member and its
 * networks.
 */
export function accountOf(ctx: Context, site: Site): Account {
  const payer = payerOf(ctx);
  const network = networksOf(payer.address).at(-1) as string;
  return { network, charge: (pages) => site.limits.reads.take(payer, pages) };
}
