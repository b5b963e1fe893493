import type { Context } from "koa";
import { findMessageAt, readAround } from "../../db/log/around.ts";
import { readTalk } from "../../db/log/read.ts";
import { HISTORY_MESSAGES } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { answer } from "../http/answer.ts";
import { roomOf } from "../http/find-room.ts";
import { cutBefore, firstSeenBy } from "../http/first-seen.ts";
import { inputOf } from "../http/input.ts";
import { readMoment, readZone } from "../http/moment.ts";
import { whispersOfPage } from "../http/own-whispers.ts";
import { payerOf } from "../http/payer.ts";
import type { Route } from "../http/route.ts";
import { refuse } from "../refusal.ts";
import { historyRequest } from "../requests.ts";
import type { Site } from "../site.ts";

/** Returns the route of a room's history. */
export function historyRoutes(site: Site): Route[] {
  const guards = { api: true, auth: "token", cookie: "counts", jsonp: true } as const;
  return [{ method: "GET", path: PATHS.messages(":room"), guards, handle: (ctx) => answerHistory(ctx, site) }];
}

/** Answers with the page before a seq, around a seq, or around a moment. */
async function answerHistory(ctx: Context, site: Site): Promise<void> {
  const asked = inputOf(ctx).read(historyRequest);
  const { limit, at, before = Number.MAX_SAFE_INTEGER, around = 0 } = asked;
  const moment = at === undefined ? undefined : readMoment("at", at, readZone(asked.zone, site.config.timeZone));
  site.limits.reads.take(payerOf(ctx), Math.ceil(limit / HISTORY_MESSAGES));
  const tail = await roomOf(ctx, site, "read");
  const roomId = tail.id;
  const first = await firstSeenBy(ctx, site, tail);
  const found = moment === undefined ? around : ((await findMessageAt(site.db, roomId, moment)) ?? 0);
  const seq = found < first ? 0 : found;
  const read =
    seq > 0
      ? { ...(await readAround(site.db, { roomId, seq, ...halves(limit) })), seq }
      : { ...(await readTalk(site.db, { roomId, before, messages: limit })), ...(moment && { isNewest: true }) };
  const { events, skipped, ...rest } = cutBefore(read, first);
  if (around > 0 && !events.some((event) => event.seq === around)) throw refuse("no_such_message");
  const oldest = Math.max(first, (await site.hub.rooms.bounds(tail)).oldest);
  const isNewest = !("isNewest" in rest) || rest.isNewest === true;
  const until = isNewest ? undefined : events.at(-1)?.at;
  const own = await whispersOfPage(ctx, site, {
    tail,
    page: { events, oldest },
    before: asked.whispers ?? Number.MAX_SAFE_INTEGER,
    until,
  });
  const whispers = own && { whispers: own.whispers, moreWhispers: own.hasMore };
  answer(ctx, { events, ...(skipped.length > 0 && { skipped }), ...rest, oldest, ...whispers });
}

/** Divides the messages of a page between those before an event and those after it. */
export function halves(messages: number): { before: number; after: number } {
  return { before: Math.floor((messages - 1) / 2), after: Math.ceil((messages - 1) / 2) };
}
