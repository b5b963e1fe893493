import type { Context } from "koa";
import { listIncomingWebhooks } from "../../db/log/incoming-webhooks.ts";
import { webhooksPage } from "../../protocol/webhook-paths.ts";
import { roomOf } from "../http/find-room.ts";
import { makeWebhook, revokeWebhook } from "../http/incoming-webhooks.ts";
import { inputOf, setFields } from "../http/input.ts";
import { originOf, pageLayout } from "../http/page-layout.ts";
import type { Route } from "../http/route.ts";
import type { Problem } from "../pages/language.ts";
import { renderWebhooks } from "../pages/webhooks.ts";
import type { Site } from "../site.ts";
import { chooseLanguage, problemOf, redirect, showPage } from "./pages.ts";

/** Returns the routes of the page with a room's incoming webhooks. */
export function webhookPageRoutes(site: Site): Route[] {
  const showing = { page: true, auth: "token", cookie: "counts", limit: "reads" } as const;
  const acting = { page: true, auth: "token", cookie: "counts", mutates: true } as const;
  const path = webhooksPage(":room");
  return [
    {
      method: "GET",
      path,
      guards: showing,
      handle: async (ctx) => {
        if (!chooseLanguage(ctx)) await show(ctx, site);
      },
    },
    { method: "POST", path, guards: acting, handle: (ctx) => take(ctx, site) },
  ];
}

async function show(ctx: Context, site: Site, outcome: { made?: string; problem?: Problem } = {}): Promise<void> {
  const room = await roomOf(ctx, site, "configure");
  const webhooks = await listIncomingWebhooks(site.db, room.id);
  const rows = webhooks.map(({ id, name, usedAt }) => ({ id, name, usedAt: usedAt?.toISOString() }));
  showPage(ctx, renderWebhooks(pageLayout(ctx, site), { room, webhooks: rows, ...outcome }));
}

/** The address is in this answer only, so it is not followed by a redirect. */
async function take(ctx: Context, site: Site): Promise<void> {
  const revoked = inputOf(ctx).string("revoke");
  try {
    if (revoked !== undefined) {
      setFields(ctx, { id: revoked });
      await revokeWebhook(ctx, site);
      redirect(ctx, ctx.path);
      return;
    }
    const { path } = await makeWebhook(ctx, site);
    await show(ctx, site, { made: originOf(ctx) + ctx.state.base + path });
  } catch (error) {
    await show(ctx, site, { problem: problemOf(ctx, site, error) });
  }
}
