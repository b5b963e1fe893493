import type { Context } from "koa";
import { readActivity, readFigures } from "../../db/log/activity.ts";
import { listAllRooms } from "../../db/log/all-rooms.ts";
import { countHit, readBans } from "../../db/log/bans.ts";
import { takeOperatorLink } from "../../db/log/operator-links.ts";
import { readReports } from "../../db/log/reports.ts";
import { listPeopleByNetwork } from "../../db/log/sightings.ts";
import { endOperators, type Switches } from "../../db/log/switches.ts";
import { MODERATION_PATHS as PATHS } from "../../protocol/moderation-paths.ts";
import type { Tail } from "../delivery/tail.ts";
import { clearOperatorCookie, hashOfLink, setOperatorCookie, signInOf } from "../guard/operators.ts";
import { answer } from "../http/answer.ts";
import { findRooms } from "../http/find-room.ts";
import { inputOf } from "../http/input.ts";
import { readBan, readTarget } from "../http/moderation-input.ts";
import { operatorOf } from "../http/moderator.ts";
import { payerOf } from "../http/payer.ts";
import type { Route } from "../http/route.ts";
import {
  liftRequest,
  removeRoomRequest,
  resolutionRequest,
  signInRequest,
  signOutRequest,
  switchesRequest,
} from "../keeping-requests.ts";
import { refuse } from "../refusal.ts";
import { ban, lift, type Moderator, resolve, setSwitches } from "../rooms/moderate.ts";
import { removeRoom } from "../rooms/remove-room.ts";
import type { Site } from "../site.ts";
import { answerActs, eraseAt, shownBan } from "./moderation.ts";

/** The plot of an operator's page. */
const ACTIVITY_HOURS = 24;

/** Returns the routes of the site's operators. */
export function operateRoutes(site: Site): Route[] {
  const reading = { api: true, auth: "optional", cookie: "counts" } as const;
  const acting = { ...reading, mutates: true } as const;
  const get = (path: string, handle: Handle): Route => ({ method: "GET", path, guards: reading, handle: by(handle) });
  const post = (path: string, handle: Handle): Route => ({ method: "POST", path, guards: acting, handle: by(handle) });
  return [
    { method: "POST", path: PATHS.operatorSession, guards: acting, handle: (ctx) => answerSignIn(ctx, site) },
    { method: "GET", path: PATHS.operatorSession, guards: reading, handle: (ctx) => showSignIn(ctx, site) },
    { method: "POST", path: PATHS.operatorSessionEnd, guards: acting, handle: (ctx) => endSignIn(ctx, site) },
    get(PATHS.operate, showState),
    get(PATHS.operateActivity, showActivity),
    get(PATHS.operateRooms, async (ctx) => answer(ctx, { rooms: await listAllRooms(site.db) })),
    get(PATHS.operatePeople, async (ctx) => answer(ctx, { people: await listPeopleByNetwork(site.db) })),
    get(PATHS.operateReports, async (ctx) => answer(ctx, { reports: await readReports(site.db) })),
    get(PATHS.operateLog, (ctx) => answerActs(ctx, site)),
    get(PATHS.operateBans, async (ctx) => answer(ctx, { bans: (await readBans(site.db, "site")).map(shownBan) })),
    get(PATHS.operateBanHit, async (ctx) => answer(ctx, await countHit(site.db, readTarget(ctx)))),
    post(PATHS.operateBans, takeBan),
    post(PATHS.operateBanLift, takeLift),
    post(PATHS.operateErase, takeErase),
    post(PATHS.operateRoomRemove, takeRemoval),
    post(PATHS.operateReportResolve, takeResolve),
    post(PATHS.operateSwitches, takeSwitches),
  ];

  type Handle = (ctx: Context, acting: { site: Site; moderator: Moderator }) => Promise<void>;

  function by(handle: Handle): Route["handle"] {
    return async (ctx) => {
      site.limits.moderation.take(payerOf(ctx));
      await handle(ctx, { site, moderator: operatorOf(ctx) });
    };
  }
}

type OperatorActing = { site: Site; moderator: Moderator };

async function answerSignIn(ctx: Context, site: Site): Promise<void> {
  await signIn(ctx, site);
  answer(ctx, {}, 201);
}

/**
 * Signs an operator in by the `secret` of the settings, or by a `link` that was not used yet.
 * Throws `wrong_secret` and `too_many`.
 */
export async function signIn(ctx: Context, site: Site): Promise<void> {
  site.limits.operators.take(payerOf(ctx));
  const { secret, link } = inputOf(ctx).read(signInRequest);
  const isRight =
    (secret !== undefined && site.operators.isSecret(secret)) ||
    (link !== undefined && (await takeOperatorLink(site.db, hashOfLink(link))));
  site.logger[isRight ? "info" : "warn"]({ by: link === undefined ? "secret" : "link" }, isRight ? IN : NOT_IN);
  if (!isRight) throw refuse("wrong_secret");
  setOperatorCookie(ctx, site);
}

const IN = "an operator signed in";
const NOT_IN = "an operator's sign-in was refused";

function showSignIn(ctx: Context, site: Site): void {
  const found = signInOf(ctx, site);
  answer(ctx, found === undefined ? { operator: false } : { operator: true, until: new Date(found.until) });
}

/** Signs out here, or with `all` every operator on every browser. */
async function endSignIn(ctx: Context, site: Site): Promise<void> {
  await signOut(ctx, site, inputOf(ctx).read(signOutRequest).all);
  answer(ctx, {});
}

/** Signs an operator out on this browser, or all operators everywhere. */
export async function signOut(ctx: Context, site: Site, isForAll: boolean): Promise<void> {
  if (isForAll) {
    operatorOf(ctx);
    await endOperators(site.db, site.wakeUps);
    await site.bans.refresh();
  }
  clearOperatorCookie(ctx, site);
}

async function showState(ctx: Context, { site }: OperatorActing): Promise<void> {
  answer(ctx, { switches: switchesOf(site), figures: await readFigures(site.db), node: nodeOf(site) });
}

/** Returns the emergency switches as they are at this node. */
export function switchesOf(site: Site): Switches {
  const { readOnly, noNewRooms, speakAfterMinutes } = site.bans.switches();
  return { readOnly, noNewRooms, speakAfterMinutes };
}

/** The load of a node. */
export type NodeLoad = { readers: number; places: number; waiting: number; memoryMb: number; uptimeSeconds: number };

/** Returns the load of this node. */
export function nodeOf({ hub, commit, config }: Site): NodeLoad {
  return {
    readers: hub.readers.size,
    places: config.readersMax,
    waiting: commit.waiting(),
    memoryMb: Math.round(process.memoryUsage.rss() / 2 ** 20),
    uptimeSeconds: Math.round(process.uptime()),
  };
}

async function showActivity(ctx: Context, { site }: OperatorActing): Promise<void> {
  answer(ctx, { activity: await readActivity(site.db, ACTIVITY_HOURS) });
}

async function takeErase(ctx: Context, { site, moderator }: OperatorActing): Promise<void> {
  answer(ctx, { erased: await eraseAt(site, { moderator, what: readTarget(ctx) }) });
}

async function takeRemoval(ctx: Context, { site }: OperatorActing): Promise<void> {
  const names = [inputOf(ctx).read(removeRoomRequest).room];
  const [tail] = (await findRooms(ctx, site, { names, act: "moderate" })) as [Tail];
  await removeAsOperator(ctx, site, tail);
  answer(ctx, {});
}

/** Removes a room with all that was said in it. Throws `not_allowed` for a room of the site. */
export async function removeAsOperator(ctx: Context, site: Site, tail: Tail): Promise<void> {
  await removeRoom(site, { moderator: operatorOf(ctx), room: tail });
  site.hub.close(tail);
  site.lobby.forget();
}

async function takeBan(ctx: Context, { site, moderator }: OperatorActing): Promise<void> {
  const { ban: made, removed } = await ban(site, { moderator, asked: readBan(ctx) });
  await site.bans.refresh();
  answer(ctx, { ban: shownBan(made), removed }, 201);
}

async function takeLift(ctx: Context, { site, moderator }: OperatorActing): Promise<void> {
  const lifted = await lift(site, { moderator, id: inputOf(ctx).read(liftRequest).ban });
  await site.bans.refresh();
  answer(ctx, { ban: shownBan(lifted) });
}

async function takeResolve(ctx: Context, { site, moderator }: OperatorActing): Promise<void> {
  await resolve(site, { moderator, id: inputOf(ctx).read(resolutionRequest).report });
  answer(ctx, {});
}

async function takeSwitches(ctx: Context, { site, moderator }: OperatorActing): Promise<void> {
  answer(ctx, { switches: await setSwitches(site, { moderator, changes: readSwitches(ctx) }) });
  await site.bans.refresh();
}

/** Returns the switches that a request sets. Throws `malformed`. */
export function readSwitches(ctx: Context): Partial<Switches> {
  return inputOf(ctx).read(switchesRequest);
}
