import type { Context } from "koa";
import { endRemoval } from "../../db/log/bans.ts";
import type { MemberNetwork } from "../../db/log/enter.ts";
import { findMember, isPresent, type Membership } from "../../db/log/members.ts";
import { publishPresence } from "../../db/log/presence.ts";
import { findByLook } from "../../db/log/whispers.ts";
import type { Member } from "../../protocol/event.ts";
import type { Tail } from "../delivery/tail.ts";
import { pageOf } from "../delivery/watcher.ts";
import { networksOf } from "../guard/address.ts";
import { Refusal, refuse } from "../refusal.ts";
import { entryRequest } from "../requests.ts";
import { isAtLeast, rankOf } from "../rooms/access.ts";
import { enter } from "../rooms/enter.ts";
import { nameNetwork } from "../rooms/network-name.ts";
import { skeletonOf } from "../rooms/skeleton.ts";
import { hasBlockedWord } from "../rooms/text-rules.ts";
import type { Site } from "../site.ts";
import { actorOf } from "./actor.ts";
import { noteSighting } from "./bannable.ts";
import { browserOf } from "./browser.ts";
import { inputOf } from "./input.ts";

/**
 * Enters a room as a member, and notes that the member is there. Returns the member as it is in the
 * room.
 */
export async function enterRoom(
  ctx: Context,
  site: Site,
  { tail, member, isSilent }: { tail: Tail; member: Member; isSilent: boolean },
): Promise<Member> {
  await assertMayEnter(ctx, site, { tail, member });
  const pretended = await pretendToMove(ctx, site, { tail, member });
  if (pretended !== undefined) return pretended;
  const entry = { room: tail, member, isSilent, network: memberNetworkOf(ctx, site) };
  const options = { share: shareOf(ctx), patienceMs: site.hub.patienceMs(tail) };
  await noteSighting(ctx, site, member.id);
  await endRemovalOf(site, { roomId: tail.id, memberId: member.id });
  const entered = await unlessRemoved(site, tail, enter(site.commit, entry, options));
  site.presence.noteEntered({ roomId: tail.id, memberId: member.id }, readerNames(ctx, site));
  if (isSilent) await publishPresence(site.wakeUps, [tail.id]);
  return entered.member;
}

/**
 * Returns the member as it would be in the room under another nickname or in another color, if it
 * is in the room and silenced there: everyone would read the new name. If the silence is secret,
 * the room keeps the former name. Returns `undefined` for everybody else. Throws `silenced`, and
 * `nickname_taken` as a rename does.
 */
export async function pretendToMove(
  ctx: Context,
  site: Site,
  { tail, member }: { tail: Tail; member: Member },
): Promise<Member | undefined> {
  if (site.access.banOf(actorOf(ctx, site, member), tail.id)?.act !== "silence") return undefined;
  const membership = { roomId: tail.id, memberId: member.id };
  const inside = (await isPresent(site.db, membership)) ? await findMember(site.db, membership) : undefined;
  if (inside === undefined) return undefined;
  const isSame = inside.nickname === member.nickname && inside.trip === member.trip && inside.color === member.color;
  if (isSame) return undefined;
  await site.access.assert(actorOf(ctx, site, member), "rename", tail);
  const holders = await findByLook(site.db, tail.id, [skeletonOf(member.nickname)]);
  if (holders.some(({ memberId }) => memberId !== member.id)) throw refuse("nickname_taken");
  return member;
}

/** A member who was removed by a moderator may come back by entering. */
async function endRemovalOf({ db, wakeUps, bans }: Site, membership: Membership): Promise<void> {
  if (bans.on(membership, membership.roomId)?.act !== "remove") return;
  await endRemoval(db, wakeUps, membership);
  await bans.refresh();
}

/**
 * Throws the refusal of a person who may not enter a room under this nickname and trip: that of
 * access, or `nickname_invalid` for a blocked word.
 */
export async function assertMayEnter(
  ctx: Context,
  site: Site,
  { tail, member }: { tail: Tail; member: Member },
): Promise<void> {
  const actor = actorOf(ctx, site, member);
  await site.access.assert(actor, "enter", tail);
  if (isAtLeast(rankOf(actor, tail.room), "moderator")) return;
  if (hasBlockedWord(member.nickname, tail.room.rules.blockedWords))
    throw refuse("nickname_invalid", "This room does not accept a word of this nickname.");
}

/**
 * Returns whether a request asks to enter without a line in the log. Throws `forbidden` where the
 * room does not allow that.
 */
export function isSilentEntry(ctx: Context, { allowsSilence }: Tail): boolean {
  const { silent } = inputOf(ctx).read(entryRequest);
  if (silent && !allowsSilence) throw refuse("forbidden", "This room does not allow silent entry.");
  return silent;
}

/** Leaves a room as a member. Where that may add no event, notifies the other nodes itself. */
export async function leaveRoom(site: Site, { tail, memberId }: { tail: Tail; memberId: string }): Promise<void> {
  await site.leave([{ roomId: tail.id, memberId }]);
  if (tail.allowsSilence) await publishPresence(site.wakeUps, [tail.id]);
}

/** Returns the names under which the person behind a request was counted as a watcher. */
export function readerNames(ctx: Context, site: Site): string[] {
  return [browserOf(ctx, site), pageOf(inputOf(ctx).text("n"))].filter((name) => name !== undefined);
}

/**
 * Awaits work in a room. If the room was removed while its tail was in memory here, the tail is
 * closed, so that a new room of its name is found.
 */
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

/**
 * Returns the network in whose share of a room's members a request counts; `undefined` without
 * limits.
 */
export function memberNetworkOf(ctx: Context, site: Site): MemberNetwork | undefined {
  if (!site.config.limits) return undefined;
  const { address, isManyVisitors } = ctx.state;
  const networks = networksOf(address);
  const nameOf = (network: string) => nameNetwork(site.log.secret, "member", network);
  return {
    name: nameOf(networks[0]),
    wideName: nameOf(networks.at(-1) as string),
    factor: site.shares(address) * (isManyVisitors ? MANY_VISITORS : 1),
  };
}

/**
 * A share is a quarter of a room. A proxy that is not trusted may fill the room, since it may be
 * all visitors' way in.
 */
const MANY_VISITORS = 4;
