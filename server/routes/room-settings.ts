import type { Context } from "koa";
import { giveRole, listRoles, readOwnerKey, takeRole, writeOwnerKey } from "../../db/log/roles.ts";
import type { StoredRole } from "../../db/log/rooms.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { Role, RoomSettings } from "../../protocol/room-settings.ts";
import type { Tail } from "../delivery/tail.ts";
import { memberOf, type Session } from "../guard/session.ts";
import { actorOf } from "../http/actor.ts";
import { answer } from "../http/answer.ts";
import { changeSettingsOf, readSettingsOf } from "../http/change-settings.ts";
import { roomOf } from "../http/find-room.ts";
import { inputOf } from "../http/input.ts";
import { payerOf } from "../http/payer.ts";
import { givePassword } from "../http/room-password.ts";
import type { Route } from "../http/route.ts";
import { speakerOf } from "../http/speaker.ts";
import { claimRequest, roleRequest } from "../keeping-requests.ts";
import { refuse } from "../refusal.ts";
import { isAtLeast, rankOf } from "../rooms/access.ts";
import { isOwnerKey, newOwnerKey, rolesOf } from "../rooms/owner-key.ts";
import type { Site } from "../site.ts";

/** Returns the routes by which people keep a room: its settings, roles, key and password. */
export function roomSettingsRoutes(site: Site): Route[] {
  const reading = { api: true, auth: "token", cookie: "counts", limit: "reads" } as const;
  const acting = { api: true, auth: "token", cookie: "counts", mutates: true } as const;
  return [
    { method: "GET", path: PATHS.settings(":room"), guards: reading, handle: showSettings },
    { method: "POST", path: PATHS.settings(":room"), guards: acting, handle: takeSettings },
    { method: "GET", path: PATHS.roles(":room"), guards: reading, handle: showRoles },
    { method: "POST", path: PATHS.roles(":room"), guards: acting, handle: takeRoles },
    { method: "POST", path: PATHS.claim(":room"), guards: acting, handle: takeClaim },
    { method: "POST", path: PATHS.ownerKey(":room"), guards: acting, handle: renewKey },
    { method: "POST", path: PATHS.password(":room"), guards: acting, handle: takePassword },
  ];

  async function showSettings(ctx: Context): Promise<void> {
    const tail = await roomOf(ctx, site, "moderate");
    answer(ctx, { settings: await readSettingsOf(site, tail) });
  }

  async function takeSettings(ctx: Context): Promise<void> {
    answer(ctx, { settings: await changeSettings(ctx, site) });
  }

  async function showRoles(ctx: Context): Promise<void> {
    const tail = await roomOf(ctx, site, "moderate");
    const roles = await listRoles(site.db, tail.id);
    answer(ctx, {
      roles: roles.map(({ kind, value, role, nickname, at }) => ({
        [kind]: value,
        role,
        ...(nickname !== null && { nickname }),
        at: at.toISOString(),
      })),
    });
  }

  async function takeRoles(ctx: Context): Promise<void> {
    await changeRole(ctx, site);
    answer(ctx, {});
  }

  async function takeClaim(ctx: Context): Promise<void> {
    await claimRoom(ctx, site);
    answer(ctx, { role: "owner" });
  }

  async function renewKey(ctx: Context): Promise<void> {
    answer(ctx, { ownerKey: (await renewOwnerKey(ctx, site)).key });
  }

  async function takePassword(ctx: Context): Promise<void> {
    await givePassword(ctx, site);
    answer(ctx, {});
  }
}

/**
 * Changes the settings that a request names, and says so in the room. Returns all settings. Throws
 * `malformed`, `reserved`, `room_exists` and the refusals of access.
 */
export async function changeSettings(ctx: Context, site: Site): Promise<RoomSettings> {
  const tail = await roomOf(ctx, site, "configure");
  site.limits.moves.take(payerOf(ctx));
  return changeSettingsOf(site, tail, { fields: ctx.state.body, member: speakerOf(ctx, site) });
}

/**
 * Gives or takes the role that a request names. Owners and operators give all of them, moderators
 * approve people. Throws `malformed`, `full` and the refusals of access.
 */
export async function changeRole(ctx: Context, site: Site): Promise<void> {
  const { member, trip, role: asked } = inputOf(ctx).read(roleRequest);
  const holder = { kind: member === undefined ? "trip" : "member", value: (member ?? trip) as string } as const;
  const role = asked ?? undefined;
  const tail = await roomOf(ctx, site, "moderate");
  site.limits.moves.take(payerOf(ctx));
  await assertMayGive(ctx, site, { tail, holder, role });
  const session: Session | undefined = ctx.state.session;
  const given = { ...holder, roomId: tail.id };
  if (role === undefined) await takeRole(site.db, site.wakeUps, given);
  else if (!(await giveRole(site.db, site.wakeUps, { ...given, role, by: session?.member.id })))
    throw refuse("full", "This room has as many roles as it can have.");
  await site.roomWatch.refresh([tail.id]);
}

type RoleChange = { tail: Tail; holder: Omit<StoredRole, "role">; role: Role | undefined };

/** A moderator may approve people, and take that back, and nothing else. */
async function assertMayGive(ctx: Context, site: Site, { tail, holder, role }: RoleChange): Promise<void> {
  if (isAtLeast(rankOf(actorOf(ctx, site), tail.room), "owner")) return;
  const former = tail.room.roles.get(`${holder.kind} ${holder.value}`);
  const isApproval = (role ?? "approved") === "approved" && (former ?? "approved") === "approved";
  if (!isApproval) await site.access.assert(actorOf(ctx, site), "configure", tail);
}

/** Makes a new owner key for a room. The former one is void. Throws the refusals of access. */
export async function renewOwnerKey(ctx: Context, site: Site): Promise<{ slug: string; key: string }> {
  const { id, slug } = await roomOf(ctx, site, "configure");
  site.limits.moves.take(payerOf(ctx));
  const { text, hash } = newOwnerKey();
  await writeOwnerKey(site.db, id, hash);
  return { slug, key: text };
}

/** Makes the session an owner of the room whose key a request has. Throws `wrong_key`. */
export async function claimRoom(ctx: Context, site: Site): Promise<Tail> {
  const member = memberOf(ctx);
  const tail = await roomOf(ctx, site, "see");
  site.limits.trips.take(payerOf(ctx));
  const { key } = inputOf(ctx).read(claimRequest);
  if (!isOwnerKey(key, await readOwnerKey(site.db, tail.id))) throw refuse("wrong_key");
  for (const holder of rolesOf(member))
    await giveRole(site.db, site.wakeUps, { ...holder, roomId: tail.id, role: "owner", by: member.id });
  await site.roomWatch.refresh([tail.id]);
  return tail;
}
