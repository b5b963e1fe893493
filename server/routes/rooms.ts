import type { Context } from "koa";
import { isPresent, listMembers, type MemberPosition, noteTyping } from "../../db/log/members.ts";
import { publishPresence } from "../../db/log/presence.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { RoomSignal } from "../../protocol/room-settings.ts";
import { type RoomNow, roomSignalOf } from "../delivery/room-now.ts";
import type { RateLimits } from "../guard/rate-limit.ts";
import { memberOf } from "../guard/session.ts";
import { answer } from "../http/answer.ts";
import { enterRoom, isSilentEntry, leaveRoom } from "../http/enter-room.ts";
import { respelled, roomName, roomOf } from "../http/find-room.ts";
import { inputOf } from "../http/input.ts";
import { lobbyFor } from "../http/lobby-for.ts";
import { makeRoomAsAsked } from "../http/make-room.ts";
import { payerOf } from "../http/payer.ts";
import type { Route } from "../http/route.ts";
import { park } from "../http/stalls.ts";
import { isUnheard } from "../http/unheard.ts";
import { refuse } from "../refusal.ts";
import { peopleRequest, roomListRequest } from "../requests.ts";
import type { Site } from "../site.ts";

/** Returns the routes of rooms and their people. */
export function roomRoutes(site: Site, limits: RateLimits): Route[] {
  const { db } = site;
  const reading = { api: true, auth: "token", cookie: "counts", limit: "reads" } as const;
  const acting = { api: true, auth: "token", cookie: "counts", mutates: true } as const;
  return [
    { method: "GET", path: PATHS.rooms, guards: reading, handle: list },
    { method: "POST", path: PATHS.rooms, guards: acting, handle: create },
    { method: "GET", path: PATHS.roomState(":room"), guards: { ...reading, jsonp: true }, handle: state },
    { method: "GET", path: PATHS.members(":room"), guards: reading, handle: listPeople },
    { method: "POST", path: PATHS.enter(":room"), guards: acting, handle: enter },
    { method: "POST", path: PATHS.leave(":room"), guards: acting, handle: leave },
    { method: "POST", path: PATHS.typing(":room"), guards: acting, handle: type },
  ];

  async function list(ctx: Context): Promise<void> {
    const { known, wait } = inputOf(ctx).read(roomListRequest);
    if (wait > 0 && !site.isDraining) await waitForLobby(ctx, wait * 1000);
    const { rooms, version } = await lobbyFor(ctx, site);
    answer(ctx, { ...(known !== version && { rooms }), version });
  }

  /** A text that was erased must not stay on an open page until it asks again. */
  async function waitForLobby(ctx: Context, ms: number): Promise<void> {
    const left = new AbortController();
    ctx.res.once("close", () => left.abort());
    park(ctx);
    await site.lobby.untilForgotten(ms, left.signal);
  }

  async function create(ctx: Context): Promise<void> {
    assertNotBySimpleRequest(ctx);
    const { slug, title, public: isPublic, silent, ownerKey } = await makeRoomAsAsked(ctx, site);
    answer(ctx, { room: { slug, title, public: isPublic, ...(silent && { silent }) }, ownerKey }, 201);
  }

  async function state(ctx: Context): Promise<void> {
    const tail = await roomOf(ctx, site, "read");
    // Read the cursor before the list. A member that enters or leaves in between is in the list
    // already, and the event that follows changes nothing.
    const { head, sum } = await site.hub.rooms.bounds(tail);
    const cursor = tail.cursorAt(head, sum);
    answer(ctx, {
      room: { slug: tail.slug, ...aboutRoom(tail.room), ...(tail.allowsSilence && { silent: true }) },
      ...(await site.people(tail.id)).people,
      cursor,
      ...respelled([roomName(ctx)]),
    });
  }

  async function listPeople(ctx: Context): Promise<void> {
    const { limit, ...asked } = inputOf(ctx).read(peopleRequest);
    const after = positionOf(asked.after);
    const tail = await roomOf(ctx, site, "read");
    const { members, last } = await listMembers(db, tail.id, { after, limit });
    answer(ctx, { members, ...(last && members.length === limit && { next: formatPosition(last) }) });
  }

  async function enter(ctx: Context): Promise<void> {
    const member = memberOf(ctx);
    limits.moves.take(payerOf(ctx));
    const tail = await roomOf(ctx, site, "enter");
    answer(ctx, { member: await enterRoom(ctx, site, { tail, member, isSilent: isSilentEntry(ctx, tail) }) });
  }

  async function leave(ctx: Context): Promise<void> {
    const member = memberOf(ctx);
    limits.moves.take(payerOf(ctx));
    const tail = await roomOf(ctx, site, "see");
    await leaveRoom(site, { tail, memberId: member.id });
    answer(ctx, {});
  }

  async function type(ctx: Context): Promise<void> {
    const member = memberOf(ctx);
    limits.typing.take(payerOf(ctx));
    const tail = await roomOf(ctx, site, "speak");
    const membership = { roomId: tail.id, memberId: member.id };
    const isHidden = isUnheard(ctx, site, tail);
    const isInside = isHidden ? await isPresent(db, membership) : await noteTyping(db, membership);
    if (!isInside) throw refuse("not_present");
    if (!isHidden) await publishPresence(site.wakeUps, [tail.id]);
    answer(ctx, {});
  }
}

/** Returns what everyone in the room may know of its settings. */
function aboutRoom(room: RoomNow): Omit<RoomSignal, "room"> {
  const { room: _slug, ...about } = roomSignalOf(room);
  return about;
}

/**
 * Creating a room needs no session, so only the Origin shows that a request is not from another
 * site's page, and an old browser does not send it. [Fetch 2.2.2] Without a preflight, such a page
 * may send any type except JSON. Throws `forbidden`.
 */
function assertNotBySimpleRequest(ctx: Context): void {
  const { source, session } = ctx.state;
  if (source !== "unknown" || session !== undefined || /^application\/json\b/i.test(ctx.get("Content-Type"))) return;
  throw refuse("forbidden", "without a token or an Origin, send application/json");
}

/** Returns a position in the list of people as clients send it. */
export function formatPosition({ enteredAt, memberId }: MemberPosition): string {
  return Buffer.from(`${enteredAt} ${memberId}`).toString("base64url");
}

/** Reads such a position. Throws `malformed`. */
export function positionOf(text: string | undefined): MemberPosition | undefined {
  if (text === undefined) return undefined;
  const [, enteredAt, memberId] =
    /^(\d{1,16}) ([^\0\ufffd]{1,100})$/.exec(Buffer.from(text, "base64url").toString()) ?? [];
  if (enteredAt === undefined || memberId === undefined) throw refuse("malformed", "after: the `next` of a page");
  return { enteredAt: Number(enteredAt), memberId };
}
