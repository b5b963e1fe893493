import type { Context } from "koa";
import { readWhispers } from "../../db/log/whispers.ts";
import { HISTORY_MESSAGES } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { memberOf } from "../guard/session.ts";
import { answer } from "../http/answer.ts";
import { roomOf } from "../http/find-room.ts";
import { inputOf } from "../http/input.ts";
import { payerOf } from "../http/payer.ts";
import { findInbox, readsWhispers } from "../http/reading.ts";
import type { Route } from "../http/route.ts";
import { whisperByRequest } from "../http/whisper.ts";
import { refuse } from "../refusal.ts";
import { whisperPageRequest, whisperRequest } from "../requests.ts";
import type { Site } from "../site.ts";
import { assertAuthor } from "./messages.ts";

/** Returns the routes that send whispers and read them again. */
export function whisperRoutes(site: Site): Route[] {
  const take = (ctx: Context) => takeWhisper(ctx, site);
  const read = (ctx: Context) => answerWhispers(ctx, site);
  return [
    {
      method: "POST",
      path: PATHS.whispers(":room"),
      guards: { api: true, auth: "token", cookie: "counts", mutates: true },
      handle: take,
    },
    // For networks that block POST, as `say`.
    {
      method: "GET",
      path: PATHS.whisper(":room"),
      guards: { api: true, auth: "token", urlToken: true, tickets: true, cookie: "never", jsonp: true, mutates: true },
      handle: take,
    },
    {
      method: "GET",
      path: PATHS.whispers(":room"),
      guards: { api: true, auth: "token", cookie: "counts", jsonp: true },
      handle: read,
    },
  ];
}

async function takeWhisper(ctx: Context, site: Site): Promise<void> {
  if (ctx.method === "GET" && ctx.originalUrl.length > 2000)
    throw refuse("too_large", "a URL of more than 2000 characters");
  memberOf(ctx);
  const { nickname, ...asked } = inputOf(ctx).read(whisperRequest);
  assertAuthor(ctx, nickname);
  const { event, cursor, isNew } = await whisperByRequest(ctx, site, asked);
  answer(ctx, { event, cursor }, isNew ? 201 : 200);
}

async function answerWhispers(ctx: Context, site: Site): Promise<void> {
  const { limit, before = Number.MAX_SAFE_INTEGER } = inputOf(ctx).read(whisperPageRequest);
  site.limits.reads.take(payerOf(ctx), Math.ceil(limit / HISTORY_MESSAGES));
  memberOf(ctx);
  if (!readsWhispers(ctx)) throw refuse("no_session");
  const inbox = await findInbox(ctx, site, await roomOf(ctx, site, "read"));
  const events = inbox === undefined ? [] : await readWhispers(site.db, { inboxId: inbox.id, before, limit });
  const oldest = inbox === undefined ? 1 : (await site.hub.rooms.bounds(inbox)).oldest;
  answer(ctx, { events, oldest });
}
