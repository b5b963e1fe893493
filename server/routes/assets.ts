import { send } from "@koa/send";
import type { Context } from "koa";
import { PATHS } from "../../protocol/paths.ts";
import { ASSET_FOLDER, ASSETS } from "../http/assets.ts";
import type { Route } from "../http/route.ts";
import type { Site } from "../site.ts";
import type { Theme } from "../theme.ts";

const A_YEAR_IN_ANY_CACHE = `max-age=${365 * 24 * 3_600},immutable`;

/**
 * Returns the route of scripts, styles and icon. Any cache may keep them: other content has another
 * name.
 */
export function assetRoutes({ theme }: Site): Route[] {
  // The page that refuses a wrong host needs its style.
  const guards = { auth: "none", cookie: "never", anyHost: true } as const;
  return [{ method: "GET", path: PATHS.asset(":file"), guards, handle: (ctx) => sendAsset(ctx, theme) }];
}

async function sendAsset(ctx: Context, { style }: Theme): Promise<void> {
  const { file } = ctx.params as { file: string };
  if (file === style?.file) {
    ctx.type = "text/css; charset=utf-8";
    ctx.body = style.text;
    ctx.set("Cache-Control", A_YEAR_IN_ANY_CACHE);
    return;
  }
  if (!Object.values(ASSETS).includes(file)) return;
  ctx.vary("Accept-Encoding");
  await send(ctx, file, { root: ASSET_FOLDER });
  // Set only once the file is found, since no cache may keep an error.
  ctx.set("Cache-Control", A_YEAR_IN_ANY_CACHE);
}
