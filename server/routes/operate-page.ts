import type { Context } from "koa";
import { readActivity, readFigures } from "../../db/log/activity.ts";
import { findRoom, listAllRooms } from "../../db/log/all-rooms.ts";
import { readBans } from "../../db/log/bans.ts";
import { readReports } from "../../db/log/reports.ts";
import { listPeopleByNetwork } from "../../db/log/sightings.ts";
import { networkPath, OPERATE_PATH } from "../../protocol/tool-paths.ts";
import { inputOf, setFields } from "../http/input.ts";
import { readId, readTarget } from "../http/moderation-input.ts";
import { operatorOf } from "../http/moderator.ts";
import { pageLayout } from "../http/page-layout.ts";
import type { Route } from "../http/route.ts";
import type { Problem } from "../pages/language.ts";
import type { BanView } from "../pages/moderation.ts";
import { type NetworkView, renderNetwork, renderOperate, renderOperatorSignIn } from "../pages/operate.ts";
import { ban, lift, type Moderator, resolve, setSwitches } from "../rooms/moderate.ts";
import type { Site } from "../site.ts";
import { nameTarget, readFormBan } from "./act-pages.ts";
import { eraseAt } from "./moderation.ts";
import { banView, readLog, reportView } from "./moderation-page.ts";
import { nodeOf, readSwitches, signIn, signOut, switchesOf } from "./operate.ts";
import { chooseLanguage, problemOf, redirect, showPage } from "./pages.ts";

/** Rooms and networks on the page, at most. The command line lists all of them. */
const ROOMS = 100;
const NETWORKS = 100;
const PEOPLE = 20;

/** The plot of the page. */
const PLOT_HOURS = 24;

/** Returns the routes of the operators' pages. All of them work by links, forms and reloads. */
export function operatePageRoutes(site: Site): Route[] {
  const guards = { page: true, auth: "optional", cookie: "counts" } as const;
  const acting = { ...guards, mutates: true } as const;
  const network = networkPath(":network");
  return [
    { method: "GET", path: OPERATE_PATH, guards, handle: (ctx) => show(ctx, site) },
    { method: "POST", path: OPERATE_PATH, guards: acting, handle: (ctx) => take(ctx, site) },
    { method: "GET", path: network, guards, handle: (ctx) => showNetwork(ctx, site) },
    { method: "POST", path: network, guards: acting, handle: (ctx) => takeNetwork(ctx, site) },
  ];
}

async function show(ctx: Context, site: Site): Promise<void> {
  if (chooseLanguage(ctx)) return;
  if (!ctx.state.isOperator) showSignIn(ctx, site);
  else await showOperate(ctx, site);
}

/** Shows the form that signs in. A link that was refused is used up. */
function showSignIn(ctx: Context, site: Site, problem?: Problem): void {
  const link = problem === undefined ? inputOf(ctx).string("link") : undefined;
  showPage(ctx, renderOperatorSignIn(pageLayout(ctx, site), { link, problem }));
}

async function showOperate(ctx: Context, site: Site, problem?: Problem): Promise<void> {
  const { db } = site;
  const startedAt = performance.now();
  const figures = await readFigures(db);
  const databaseMs = performance.now() - startedAt;
  const activity = await readActivity(db, PLOT_HOURS);
  const rooms = await listAllRooms(db);
  showPage(
    ctx,
    renderOperate(pageLayout(ctx, site), {
      figures: { ...figures, ...nodeOf(site), databaseMs },
      activity,
      switches: switchesOf(site),
      reports: (await readReports(db)).map(reportView),
      rooms: rooms.slice(0, ROOMS),
      networks: (await networksOf(site)).slice(0, NETWORKS),
      bans: await bansOf(site),
      ...(await readLog(ctx, site)),
      isDone: inputOf(ctx).text("done") !== undefined,
      problem,
    }),
  );
}

async function bansOf({ db }: Site): Promise<BanView[]> {
  const bans = await readBans(db);
  const rooms = new Map<number, string | undefined>();
  for (const { roomId } of bans)
    if (roomId !== undefined && !rooms.has(roomId)) rooms.set(roomId, (await findRoom(db, roomId))?.slug);
  return bans.map((ban) => banView(ban, (id) => rooms.get(id)));
}

/** Returns the networks of all members, those with most people first. */
async function networksOf({ db }: Site): Promise<NetworkView[]> {
  const networks = new Map<string, NetworkView>();
  for (const { network, id, nickname, room } of await listPeopleByNetwork(db)) {
    if (network === null) continue;
    const found = networks.get(network) ?? { network, count: 0, people: [] };
    found.count += 1;
    if (found.people.length < PEOPLE) found.people.push({ id, nickname, room });
    networks.set(network, found);
  }
  return [...networks.values()].sort((one, other) => other.count - one.count);
}

/** Signs an operator in or out, or does what one of the page's forms asks for. */
async function take(ctx: Context, site: Site): Promise<void> {
  const input = inputOf(ctx);
  const link = input.string("link");
  const isSignIn = link !== undefined || input.sent("secret").length > 0;
  try {
    if (isSignIn) await signIn(ctx, site);
    else if (input.text("signOut") !== undefined) await signOut(ctx, site, false);
    else await actByForm(ctx, site, operatorOf(ctx));
    redirect(ctx, isSignIn || input.text("signOut") !== undefined ? OPERATE_PATH : `${OPERATE_PATH};done=1`);
  } catch (error) {
    const problem = problemOf(ctx, site, error);
    if (!ctx.state.isOperator) showSignIn(ctx, site, problem);
    else await showOperate(ctx, site, problem);
  }
}

async function actByForm(ctx: Context, site: Site, moderator: Moderator): Promise<void> {
  const input = inputOf(ctx);
  if (input.text("handled") !== undefined) await resolve(site, { moderator, id: readId(ctx, "handled") });
  else if (input.text("switches") !== undefined) {
    // A box that is not ticked is not in the form.
    const { readOnly = "0", noNewRooms = "0" } = ctx.state.body;
    setFields(ctx, { readOnly, noNewRooms });
    await setSwitches(site, { moderator, changes: readSwitches(ctx) });
  } else await liftByForm(ctx, site, moderator);
  await site.bans.refresh();
}

async function liftByForm(ctx: Context, site: Site, moderator: Moderator): Promise<void> {
  const id = readId(ctx, "lift");
  const roomId = (await readBans(site.db)).find((one) => one.id === id)?.roomId;
  const room = roomId === undefined ? undefined : await findRoom(site.db, roomId);
  await lift(site, { moderator, room, id });
}

async function showNetwork(ctx: Context, site: Site): Promise<void> {
  if (chooseLanguage(ctx)) return;
  operatorOf(ctx);
  await showNetworkForms(ctx, site);
}

async function showNetworkForms(ctx: Context, site: Site, problem?: Problem): Promise<void> {
  const { network: name } = ctx.params as { network: string };
  const network = (await networksOf(site)).find((one) => one.network === name) ?? {
    network: name,
    count: 0,
    people: [],
  };
  showPage(ctx, renderNetwork(pageLayout(ctx, site), { network, problem }));
}

/** Bans a network on the whole site, or erases everything that came from it. */
async function takeNetwork(ctx: Context, site: Site): Promise<void> {
  const moderator = operatorOf(ctx);
  try {
    setFields(ctx, { whom: `network ${(ctx.params as { network: string }).network}` });
    if (inputOf(ctx).text("act") === "erase-all") {
      nameTarget(ctx);
      await eraseAt(site, { moderator, what: readTarget(ctx) });
    } else {
      await ban(site, { moderator, asked: readFormBan(ctx) });
      await site.bans.refresh();
    }
    redirect(ctx, `${OPERATE_PATH};done=1`);
  } catch (error) {
    await showNetworkForms(ctx, site, problemOf(ctx, site, error));
  }
}
