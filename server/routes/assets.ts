import { send } from "@koa/send";
import type { Context } from "koa";
import { PATHS } from "../../protocol/paths.ts";
import { ASSET_FOLDER, ASSETS } from "../http/assets.ts";
import type { Route } from "../http/route.ts";

const A_YEAR_IN_ANY_CACHE = `max-age=${365 * 24 * 3_600},immutable`;

/**
 * Returns the route of scripts, styles and icon. Any cache may keep them: other content has another
 * name.
 */
export function assetRoutes(): Route[] {
  // The page that refuses a wrong host needs its style.
  const guards = { auth: "none", cookie: "never", anyHost: true } as const;
  return [{ method: "GET", path: PATHS.asset(":file"), guards, handle: sendAsset }];
}

async function sendAsset(ctx: Context): Promise<void> {
  const { file } = ctx.params as { file: string };
  if (!Object.values(ASSETS).includes(file)) return;
  ctx.vary("Accept-Encoding");
  await send(ctx, file, { root: ASSET_FOLDER });
  // Set only once the file is found, since no cache may keep an error.
  ctx.set("Cache-Control", A_YEAR_IN_ANY_CACHE);
}
