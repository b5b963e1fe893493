import { randomUUID } from "node:crypto";
import type { Context } from "koa";
import { findIncomingWebhook, listIncomingWebhooks } from "../../db/log/incoming-webhooks.ts";
import { appendNotice } from "../../db/log/notice.ts";
import { WEBHOOK_PATHS as PATHS } from "../../protocol/webhook-paths.ts";
import type { Actor } from "../actor.ts";
import { wallNow } from "../clock.ts";
import type { Tail } from "../delivery/tail.ts";
import { answer } from "../http/answer.ts";
import { roomOf } from "../http/find-room.ts";
import { makeWebhook, revokeWebhook } from "../http/incoming-webhooks.ts";
import { originOf } from "../http/page-layout.ts";
import type { Route } from "../http/route.ts";
import { noticeRequest } from "../keeping-requests.ts";
import { refuse } from "../refusal.ts";
import { clientIdOf, hashOfKey, memberOfWebhook, noticeOf } from "../rooms/incoming-webhook.ts";
import { readText } from "../rooms/post.ts";
import type { Site } from "../site.ts";
import { parse } from "../wire.ts";

/** Returns the routes of incoming webhooks: to keep them, and to post to one. */
export function incomingWebhookRoutes(site: Site): Route[] {
  const reading = { api: true, auth: "token", cookie: "counts", limit: "reads" } as const;
  const acting = { api: true, auth: "token", cookie: "counts", mutates: true } as const;
  // The key in the address is the whole proof.
  const posting = { api: true, auth: "none", cookie: "never", limit: "reads", plainText: true } as const;
  return [
    { method: "GET", path: PATHS.ofRoom(":room"), guards: reading, handle: list },
    { method: "POST", path: PATHS.ofRoom(":room"), guards: acting, handle: make },
    { method: "POST", path: PATHS.revoke(":room"), guards: acting, handle: revoke },
    { method: "POST", path: PATHS.incoming(":key"), guards: posting, handle: receive },
  ];

  async function list(ctx: Context): Promise<void> {
    const tail = await roomOf(ctx, site, "configure");
    const webhooks = await listIncomingWebhooks(site.db, tail.id);
    answer(ctx, {
      webhooks: webhooks.map(({ id, name, madeAt, usedAt }) => ({
        ...{ id, name, at: madeAt.toISOString(), usedAt: usedAt?.toISOString() ?? null },
      })),
    });
  }

  async function make(ctx: Context): Promise<void> {
    const { id, name, path } = await makeWebhook(ctx, site);
    answer(ctx, { webhook: { id, name, url: originOf(ctx) + ctx.state.base + path } }, 201);
  }

  async function revoke(ctx: Context): Promise<void> {
    await revokeWebhook(ctx, site);
    answer(ctx, {});
  }

  async function receive(ctx: Context): Promise<void> {
    const found = await findIncomingWebhook(site.db, hashOfKey(String(ctx.params.key)));
    if (found === undefined) throw refuse("no_such_page", "There is no such webhook, or it was revoked.");
    const member = memberOfWebhook(found);
    site.limits.webhooks.take({ address: ctx.state.address, member: member.id, room: found.slug });
    const [tail] = ((await site.hub.rooms.open([found.slug])) ?? []) as [Tail?];
    if (tail === undefined) throw refuse("no_such_room");
    await site.access.assert(actorOf(ctx, member), "notify", tail);
    const { text, id } = noticeOf(parse(noticeRequest, ctx.state.body));
    const given = ctx.get("webhook-id") || ctx.get("Idempotency-Key") || id || randomUUID();
    const notice = { roomId: tail.id, member, text: readText(text), clientId: clientIdOf(given) };
    const stored = await appendNotice(site.db, notice, site.wakeUps);
    if (stored === undefined) throw refuse("no_such_room");
    if (stored.isNew) site.metrics.appended.inc();
    answer(ctx, { seq: stored.event.seq });
  }
}

/** The webhook is the member, so moderators can silence it. */
function actorOf(ctx: Context, member: Actor["member"]): Actor {
  const { address } = ctx.state;
  return { member, since: 0, issuedAt: wallNow(), browser: undefined, address, isOperator: false };
}
