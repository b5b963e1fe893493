import { send } from "@koa/send";
import type { Context } from "koa";
import { PATHS } from "../../protocol/paths.ts";
import { toJson } from "../delivery/frames.ts";
import { ASSET_FOLDER, ASSETS } from "../http/assets.ts";
import { pageLayout } from "../http/page-layout.ts";
import type { Route } from "../http/route.ts";
import { manifestOf, robotsOf } from "../pages/manifest.ts";
import type { Site } from "../site.ts";

/** Returns the routes of the files that browsers and crawlers look for by their names. */
export function siteFileRoutes(site: Site): Route[] {
  const guards = { auth: "none", cookie: "never" } as const;
  return [
    { method: "GET", path: PATHS.manifest, guards, handle: (ctx) => sendManifest(ctx, site) },
    { method: "GET", path: PATHS.robots, guards, handle: sendRobots },
    { method: "GET", path: PATHS.favicon, guards, handle: async (ctx) => void (await sendIcon(ctx)) },
  ];
}

function sendManifest(ctx: Context, site: Site): void {
  const url = (file: string) => `${ctx.state.base}/assets/${file}`;
  const { icon, smallIcon, largeIcon, maskableIcon } = ASSETS;
  const icons = { any: url(icon), small: url(smallIcon), large: url(largeIcon), maskable: url(maskableIcon) };
  ctx.vary("Accept-Language");
  ctx.body = toJson(manifestOf(pageLayout(ctx, site), icons));
  ctx.type = "application/manifest+json; charset=utf-8";
}

function sendRobots(ctx: Context): void {
  ctx.type = "text/plain; charset=utf-8";
  ctx.body = robotsOf(ctx.state.base);
}

/** Pages name their icon. Browsers that look for this one show a picture of any type. */
function sendIcon(ctx: Context): Promise<unknown> {
  return send(ctx, ASSETS.smallIcon, { root: ASSET_FOLDER });
}
