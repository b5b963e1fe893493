import type { Context } from "koa";
import { noteTyping } from "../../db/members.ts";
import { NODE_FRESH_SECONDS, readPresence, tellPresence } from "../../db/presence.ts";
import { createRoom, listRooms } from "../../db/rooms.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { RateLimits } from "../guard/rate-limit.ts";
import { memberOf } from "../guard/session.ts";
import { refuse } from "../refusal.ts";
import { readSlug, readTitle } from "../rooms/slug.ts";
import type { Site } from "../site.ts";
import { answer } from "./answer.ts";
import { enterRoom } from "./enter-room.ts";
import { roomOf } from "./find-room.ts";
import { inputOf } from "./input.ts";
import { payerOf } from "./payer.ts";
import type { Route } from "./route.ts";

/** The rooms, and who is in them. */
export function roomRoutes(site: Site, limits: RateLimits): Route[] {
  const { db } = site;
  const reading = { api: true, auth: "none", cookie: "never" } as const;
  const acting = { api: true, auth: "token", cookie: "counts", mutates: true } as const;
  return [
    { method: "GET", path: PATHS.rooms, guards: reading, handle: list },
    { method: "POST", path: PATHS.rooms, guards: acting, handle: create },
    { method: "GET", path: PATHS.roomState(":room"), guards: { ...reading, jsonp: true }, handle: state },
    { method: "POST", path: PATHS.enter(":room"), guards: acting, handle: enterRoom },
    { method: "POST", path: PATHS.leave(":room"), guards: acting, handle: leave },
    { method: "POST", path: PATHS.typing(":room"), guards: acting, handle: type },
  ];

  async function list(ctx: Context): Promise<void> {
    answer(ctx, { rooms: await listRooms(db, NODE_FRESH_SECONDS) });
  }

  async function create(ctx: Context): Promise<void> {
    const input = inputOf(ctx);
    limits.rooms.take(payerOf(ctx));
    const slug = readSlug(input.string("slug") ?? "");
    if (slug === undefined) throw refuse("malformed", "slug: 1 to 64 letters, digits, - and _");
    const title = readTitle(input.string("title"), slug);
    const isPublic = ctx.state.body.public !== false && input.text("listed") !== "0";
    if (!(await createRoom(db, { slug, title, public: isPublic }))) throw refuse("room_exists");
    answer(ctx, { room: { slug, title, public: isPublic } }, 201);
  }

  async function state(ctx: Context): Promise<void> {
    const tail = await roomOf(ctx, site);
    // the cursor is read before the list: what happens between is told again by an event, and means the same
    const cursor = tail.cursorAt((await site.hub.bounds(tail)).head);
    const [presence] = await readPresence(db, [tail.id]);
    const members = await listMembers(db, tail.id);
    answer(ctx, { room: { slug: tail.slug, title: tail.title }, members, visitors: presence?.visitors ?? 0, cursor });
  }

  async function enterRoom(ctx: Context): Promise<void> {
    const member = memberOf(ctx);
    limits.moves.take(payerOf(ctx));
    const tail = await roomOf(ctx, site);
    answer(ctx, { member: await enterRoom(site, tail, member, ctx) });
  }

  async function leave(ctx: Context): Promise<void> {
    const member = memberOf(ctx);
    limits.moves.take(payerOf(ctx));
    const tail = await roomOf(ctx, site);
    await site.leave([{ roomId: tail.id, memberId: member.id }]);
    answer(ctx, {});
  }

  async function type(ctx: Context): Promise<void> {
    const member = memberOf(ctx);
    limits.typing.take(payerOf(ctx));
    const tail = await roomOf(ctx, site);
    const place = { roomId: tail.id, memberId: member.id };
    if (!(await noteTyping(db, place))) throw refuse("not_present");
    await tellPresence(site.wakeUps, [tail.id]);
    answer(ctx, {});
  }
}
