import { send } from "@koa/send";
import type { Context } from "koa";
import { PATHS } from "../../protocol/paths.ts";
import { ASSET_FOLDER, ASSETS } from "../http/assets.ts";
import type { Route } from "../http/route.ts";
import type { Site } from "../site.ts";
import type { Theme } from "../theme.ts";

const A_YEAR_IN_ANY_CACHE = `max-age=${365 * 24 * 3_600},immutable`;

const AN_HOUR_IN_ANY_CACHE = "max-age=3600";

/**
 * Returns the routes of scripts, styles and icon. Any cache may keep them: other content has
 * another name. Pages of other sites load the script that shows a room there by a name that stays.
 */
export function assetRoutes({ theme }: Site): Route[] {
  // The page that refuses a wrong host needs its style.
  const guards = { auth: "none", cookie: "never", anyHost: true } as const;
  return [
    { method: "GET", path: PATHS.asset(":file"), guards, handle: (ctx) => sendAsset(ctx, theme) },
    { method: "GET", path: PATHS.embedScript, guards: { auth: "none", cookie: "never" }, handle: sendEmbedScript },
  ];
}

/** [Fetch 3.8] Without this policy, a page of another site could not load it. */
async function sendEmbedScript(ctx: Context): Promise<void> {
  ctx.vary("Accept-Encoding");
  await send(ctx, ASSETS.embedScript, { root: ASSET_FOLDER });
  ctx.set("Cross-Origin-Resource-Policy", "cross-origin");
  ctx.set("Cache-Control", AN_HOUR_IN_ANY_CACHE);
}

async function sendAsset(ctx: Context, theme: Theme): Promise<void> {
  const { file } = ctx.params as { file: string };
  const style = [theme.style, theme.inScheme.light, theme.inScheme.dark].find((one) => one?.file === file);
  if (style !== undefined) {
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
