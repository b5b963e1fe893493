import type { Context } from "koa";
import type { Member } from "../../protocol/event.ts";
import type { Tail } from "../delivery/tail.ts";
import { networksOf } from "../guard/address.ts";
import { Refusal } from "../refusal.ts";
import { enter } from "../rooms/enter.ts";
import type { Site } from "../site.ts";

/** Has a request's member enter a room, and notes that it is there. Returns the member as it is in the room. */
export async function enterRoom(site: Site, tail: Tail, member: Member, ctx: Context): Promise<Member> {
  const options = { share: shareOf(ctx), patienceMs: site.hub.patienceMs(tail) };
  const entered = await unlessRemoved(site, tail, enter(site.commit, tail, member, options));
  site.presence.isHere({ roomId: tail.id, memberId: member.id });
  return entered.member;
}

/** A room that was removed while its tail was in memory here is forgotten, so that a new one of its name is found. */
export async function unlessRemoved<T>(site: Site, tail: Tail, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Refusal && error.code === "no_such_room") site.hub.close(tail);
    throw error;
  }
}

/** Returns the network in whose share of the entry queue a request counts. */
export function shareOf(ctx: Context): string {
  return networksOf(ctx.state.address)[0];
}
