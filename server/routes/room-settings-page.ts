import type { Context } from "koa";
import { listMembers } from "../../db/log/members.ts";
import { listRoles } from "../../db/log/roles.ts";
import { isKept } from "../../db/log/rooms.ts";
import { PEOPLE_SHOWN } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { claimPath, OPERATE_PATH, settingsPath } from "../../protocol/tool-paths.ts";
import { wallNow } from "../clock.ts";
import type { Session } from "../guard/session.ts";
import { assertKeepsCookies, setSessionCookie } from "../guard/session-cookie.ts";
import { actorOf } from "../http/actor.ts";
import { readSettingsOf } from "../http/change-settings.ts";
import { leadBack } from "../http/find-message.ts";
import { roomOf } from "../http/find-room.ts";
import { inputOf, setFields } from "../http/input.ts";
import { handOverKey } from "../http/owner-key.ts";
import { pageLayout } from "../http/page-layout.ts";
import type { Route } from "../http/route.ts";
import { renderClaim } from "../pages/claim.ts";
import type { Problem } from "../pages/language.ts";
import { renderRoomSettings } from "../pages/room-settings.ts";
import { refuse } from "../refusal.ts";
import type { Site } from "../site.ts";
import { removeAsOperator } from "./operate.ts";
import { chooseLanguage, problemOf, redirect, showPage } from "./pages.ts";
import { changeRole, changeSettings, claimRoom, renewOwnerKey } from "./room-settings.ts";
import { openSession } from "./sessions.ts";

/** Returns the routes of the pages with a room's settings, and with the form for its owner key. */
export function roomSettingsPageRoutes(site: Site): Route[] {
  const showing = { page: true, auth: "token", cookie: "counts", limit: "reads" } as const;
  const acting = { page: true, auth: "token", cookie: "counts", mutates: true } as const;
  const [settings, claim] = [settingsPath(":room"), claimPath(":room")];
  return [
    { method: "GET", path: settings, guards: showing, handle: (ctx) => showSettings(ctx, site) },
    { method: "POST", path: settings, guards: acting, handle: (ctx) => takeSettings(ctx, site) },
    { method: "GET", path: claim, guards: showing, handle: (ctx) => showClaim(ctx, site) },
    { method: "POST", path: claim, guards: acting, handle: (ctx) => takeClaim(ctx, site) },
  ];
}

async function showSettings(ctx: Context, site: Site): Promise<void> {
  if (!chooseLanguage(ctx)) await showSettingsForm(ctx, site);
}

async function showSettingsForm(ctx: Context, site: Site, problem?: Problem): Promise<void> {
  const tail = await roomOf(ctx, site, "moderate");
  const mayConfigure = await site.access.may(actorOf(ctx, site), "configure", tail);
  const roles = await listRoles(site.db, tail.id);
  const { members } = await listMembers(site.db, tail.id, { limit: PEOPLE_SHOWN });
  showPage(
    ctx,
    renderRoomSettings(pageLayout(ctx, site), {
      room: tail,
      ...(mayConfigure && { settings: await readSettingsOf(site, tail) }),
      roles: roles.map(({ nickname, ...role }) => ({ ...role, nickname: nickname ?? undefined })),
      members,
      mayRemove: actorOf(ctx, site).isOperator && !(await isKept(site.db, tail.id)),
      problem,
      isSaved: inputOf(ctx).text("saved") !== undefined,
    }),
  );
}

/** Boxes that are not in a form because they are not ticked. */
const BOXES = ["listed", "silentEntry", "locked", "autoSlow", "links"];

async function takeSettings(ctx: Context, site: Site): Promise<void> {
  try {
    redirect(ctx, await obeyForm(ctx, site));
  } catch (error) {
    await showSettingsForm(ctx, site, problemOf(ctx, site, error));
  }
}

/** Does what a form of the page asks for. Returns the path that shows it. */
async function obeyForm(ctx: Context, site: Site): Promise<string> {
  const { body } = ctx.state;
  const saved = `${ctx.path};saved=1`;
  if (body.newKey !== undefined) {
    const made = await renewOwnerKey(ctx, site);
    handOverKey(ctx, made);
    return PATHS.room(made.slug);
  }
  if (body.remove !== undefined) {
    if (body.sure !== "1") throw refuse("malformed", "sure: 1");
    await removeAsOperator(ctx, site, await roomOf(ctx, site, "moderate"));
    return `${OPERATE_PATH};done=1`;
  }
  if (body.save === undefined) await takeRole(ctx, site);
  else {
    for (const name of BOXES) body[name] ??= "0";
    await changeSettings(ctx, site);
  }
  return saved;
}

/** An empty field of the form names nobody. */
async function takeRole(ctx: Context, site: Site): Promise<void> {
  const input = inputOf(ctx);
  setFields(ctx, { member: input.string("member"), trip: input.string("trip") });
  await changeRole(ctx, site);
}

async function showClaim(ctx: Context, site: Site): Promise<void> {
  if (chooseLanguage(ctx)) return;
  const tail = await roomOf(ctx, site, "see");
  showPage(ctx, renderClaim(pageLayout(ctx, site), { room: tail }));
}

async function takeClaim(ctx: Context, site: Site): Promise<void> {
  const tail = await roomOf(ctx, site, "see");
  const nickname = inputOf(ctx).string("nickname");
  await leadBack(tail, async () => {
    try {
      await beSomebody(ctx, site);
      await claimRoom(ctx, site);
    } catch (error) {
      showPage(ctx, renderClaim(pageLayout(ctx, site), { room: tail, nickname, problem: problemOf(ctx, site, error) }));
      return;
    }
    redirect(ctx, settingsPath(tail.slug));
  });
}

/** Opens a session for a reader who has none: an owner is somebody. */
async function beSomebody(ctx: Context, site: Site): Promise<void> {
  if (ctx.state.session !== undefined) return;
  assertKeepsCookies(ctx, site);
  const { member, token } = await openSession(ctx, site);
  const now = wallNow();
  setSessionCookie(ctx, site, token);
  ctx.state.session = {
    member,
    by: "cookie",
    issuedAt: now,
    since: now,
    expiresAt: now,
    isDue: false,
    owner: undefined,
  } satisfies Session;
  ctx.state.actor = undefined;
}
