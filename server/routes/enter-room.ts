import type { Context } from "koa";
import type { Member } from "../../protocol/event.ts";
import type { Tail } from "../delivery/tail.ts";
import { networksOf } from "../guard/address.ts";
import { enter } from "../rooms/enter.ts";
import type { Site } from "../site.ts";

/** Has a request's member enter a room, and notes that it is there. Returns the member as it is in the room. */
export async function enterRoom(site: Site, tail: Tail, member: Member, ctx: Context): Promise<Member> {
  const options = { share: shareOf(ctx), patienceMs: site.hub.patienceMs(tail) };
  const entered = await enter(site.commit, tail, member, options);
  site.presence.isHere({ roomId: tail.id, memberId: member.id });
  return entered.member;
}

/** Returns the network in whose share of the entry queue a request counts. */
export function shareOf(ctx: Context): string {
  return networksOf(ctx.state.address)[0];
}
