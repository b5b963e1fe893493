import type { Context } from "koa";
import { readEvent } from "../../db/log/around.ts";
import { countHit, readBans } from "../../db/log/bans.ts";
import { readActs } from "../../db/log/moderation.ts";
import { findPerson, readReports, writeReport } from "../../db/log/reports.ts";
import { listPeopleByNetwork } from "../../db/log/sightings.ts";
import { findInboxes } from "../../db/log/whispers.ts";
import { MODERATION_PATHS as PATHS } from "../../protocol/moderation-paths.ts";
import type { Tail } from "../delivery/tail.ts";
import { memberOf, type Session } from "../guard/session.ts";
import { answer } from "../http/answer.ts";
import { readMessageAt } from "../http/find-message.ts";
import { roomOf } from "../http/find-room.ts";
import { inputOf } from "../http/input.ts";
import { readBan, readTarget, readToErase } from "../http/moderation-input.ts";
import { moderatorOf } from "../http/moderator.ts";
import { payerOf } from "../http/payer.ts";
import type { Route } from "../http/route.ts";
import { actsRequest, liftRequest, reportRequest, resolutionRequest } from "../keeping-requests.ts";
import { refuse } from "../refusal.ts";
import { ban, erase, lift, type Moderator, resolve } from "../rooms/moderate.ts";
import type { Site } from "../site.ts";

/** Returns the routes by which moderators keep a room, and everybody reports. */
export function moderationRoutes(site: Site): Route[] {
  const reading = { api: true, auth: "token", cookie: "counts", limit: "reads" } as const;
  const acting = { api: true, auth: "token", cookie: "counts", mutates: true } as const;
  return [
    { method: "POST", path: PATHS.report(":room"), guards: acting, handle: (ctx) => report(ctx, site) },
    { method: "POST", path: PATHS.erase(":room"), guards: acting, handle: act(site, takeErase) },
    { method: "POST", path: PATHS.bans(":room"), guards: acting, handle: act(site, takeBan) },
    { method: "GET", path: PATHS.bans(":room"), guards: reading, handle: act(site, listBans) },
    { method: "GET", path: PATHS.banHit(":room"), guards: reading, handle: act(site, showHit) },
    { method: "POST", path: PATHS.banLift(":room"), guards: acting, handle: act(site, takeLift) },
    { method: "GET", path: PATHS.networks(":room"), guards: reading, handle: act(site, listNetworks) },
    { method: "GET", path: PATHS.reports(":room"), guards: reading, handle: act(site, listReports) },
    { method: "POST", path: PATHS.reportResolve(":room"), guards: acting, handle: act(site, takeResolve) },
    { method: "GET", path: PATHS.moderation(":room"), guards: reading, handle: act(site, listActs) },
  ];
}

/** The room of a request, and the moderator who sends it. */
type Acting = { site: Site; tail: Tail; moderator: Moderator };

function act(site: Site, handle: (ctx: Context, acting: Acting) => Promise<void>): Route["handle"] {
  return async (ctx) => {
    site.limits.moderation.take(payerOf(ctx));
    const tail = await roomOf(ctx, site, "moderate");
    await handle(ctx, { site, tail, moderator: await moderatorOf(ctx, site, tail) });
  };
}

async function report(ctx: Context, site: Site): Promise<void> {
  await takeReport(ctx, site);
  answer(ctx, {}, 201);
}

/** Reports a message or a person. The reason is for the moderators of the room. */
export async function takeReport(ctx: Context, site: Site): Promise<void> {
  const session: Session | undefined = ctx.state.session;
  const { reason, ...asked } = inputOf(ctx).read(reportRequest);
  site.limits.reports.take(payerOf(ctx));
  const tail = await roomOf(ctx, site, "read");
  const about = await reported(ctx, site, { tail, ...asked });
  const { id: by, nickname: byName } = session?.member ?? {};
  const isStored = await writeReport(site.db, { roomId: tail.id, ...about, reason, by, byName });
  if (!isStored) throw refuse("full", "This room has many reports already. Its moderators will see to them.", 600);
}

type Reported = { inboxId?: number; seq?: number; memberId: string; nickname: string };

type Asked = { tail: Tail; seq?: number | undefined; whisper?: number | undefined; member?: string | undefined };

/** The schema of a report allows one of the three. */
function reported(ctx: Context, site: Site, { tail, seq, whisper, member }: Asked): Promise<Reported> {
  if (seq !== undefined) return authorOf(ctx, site, { tail, seq });
  if (whisper !== undefined) return whispererOf(ctx, site, { tail, seq: whisper });
  return personIn(site, tail, member as string);
}

type Place = { tail: Tail; seq: number };

async function authorOf(ctx: Context, site: Site, { tail, seq }: Place): Promise<Reported> {
  const message = await readMessageAt(ctx, site, { tail, seq });
  if (message === undefined) throw refuse("no_such_message");
  return { seq, memberId: message.member.id, nickname: message.member.nickname };
}

/** A whisper is reported from the inbox of one of its two sides, by its seq there. */
async function whispererOf(ctx: Context, { db }: Site, { tail, seq }: Place): Promise<Reported> {
  const [inbox] = await findInboxes(db, [{ roomId: tail.id, memberId: memberOf(ctx).id }]);
  const whisper = inbox && (await readEvent(db, inbox.room.id, seq));
  if (whisper?.kind !== "whisper") throw refuse("no_such_message");
  return { inboxId: inbox?.room.id as number, seq, memberId: whisper.member.id, nickname: whisper.member.nickname };
}

async function personIn({ db }: Site, tail: Tail, memberId: string): Promise<Reported> {
  const nickname = await findPerson(db, tail.id, memberId);
  if (nickname === undefined) throw refuse("no_such_member");
  return { memberId, nickname };
}

async function takeErase(ctx: Context, { site, tail, moderator }: Acting): Promise<void> {
  const what = readToErase(ctx);
  answer(ctx, { erased: await eraseAt(site, { moderator, room: tail, what }) });
}

/**
 * Erases messages. From the answer on, no reader at this node gets their text. Other nodes follow
 * when they have read the events.
 */
export async function eraseAt(site: Site, asked: Parameters<typeof erase>[1]): Promise<number> {
  const erased = await erase(site, {
    ...asked,
    onErased: (roomId, events) => {
      for (const tail of site.hub.rooms.tailsOf([roomId])) for (const event of events) tail.change(event);
    },
  });
  site.lobby.forget();
  return erased;
}

async function takeBan(ctx: Context, { site, tail, moderator }: Acting): Promise<void> {
  const { ban: made, removed } = await ban(site, { moderator, room: tail, asked: readBan(ctx) });
  await site.bans.refresh();
  answer(ctx, { ban: shownBan(made), removed }, 201);
}

async function listBans(ctx: Context, { site, tail }: Acting): Promise<void> {
  answer(ctx, { bans: (await readBans(site.db, tail.id)).map(shownBan) });
}

async function showHit(ctx: Context, { site, tail }: Acting): Promise<void> {
  answer(ctx, await countHit(site.db, readTarget(ctx), tail.id));
}

async function takeLift(ctx: Context, { site, tail, moderator }: Acting): Promise<void> {
  const lifted = await lift(site, { moderator, room: tail, id: inputOf(ctx).read(liftRequest).ban });
  await site.bans.refresh();
  answer(ctx, { ban: shownBan(lifted) });
}

async function listNetworks(ctx: Context, { site, tail }: Acting): Promise<void> {
  answer(ctx, { people: await listPeopleByNetwork(site.db, tail.id) });
}

async function listReports(ctx: Context, { site, tail }: Acting): Promise<void> {
  answer(ctx, { reports: await readReports(site.db, tail.id) });
}

async function takeResolve(ctx: Context, { site, tail, moderator }: Acting): Promise<void> {
  await resolve(site, { moderator, room: tail, id: inputOf(ctx).read(resolutionRequest).report });
  answer(ctx, {});
}

async function listActs(ctx: Context, { site, tail }: Acting): Promise<void> {
  await answerActs(ctx, site, tail.id);
}

/** Answers with a page of the log of moderation, newest first. */
export async function answerActs(ctx: Context, { db }: Site, roomId?: number): Promise<void> {
  const { limit, before } = inputOf(ctx).read(actsRequest);
  const acts = await readActs(db, { roomId, before, limit });
  answer(ctx, { acts, ...(acts.length === limit && { next: acts.at(-1)?.id }) });
}

/** Returns a ban as answers show it. */
export function shownBan({ roomId: _room, until, by: _by, byName, ...ban }: Awaited<ReturnType<typeof lift>>): object {
  return { ...ban, by: byName, ...(until !== undefined && { until: new Date(until).toISOString() }) };
}
