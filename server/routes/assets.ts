import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { send } from "@koa/send";
import type { Context } from "koa";
import { PATHS } from "../../protocol/paths.ts";
import type { Route } from "../http/route.ts";

/** Where client/build.ts puts the bundles: beside the compiled server, or in dist/ of the sources. */
const FOLDER = ["../../client/", "../../dist/client/"]
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(`${path}assets.json`));

if (FOLDER === undefined) throw new Error("the client is not built: run `npm run build`");

type Assets = {
  script: string;
  style: string;
  icon: string;
  legacyScript: string;
  legacyStyle: string;
  doctorScript: string;
  doctorStyle: string;
};

/** The names of the bundles, each with a hash of its content. */
export const ASSETS: Assets = JSON.parse(readFileSync(`${FOLDER}assets.json`, "utf8"));

const A_YEAR_IN_ANY_CACHE = `max-age=${365 * 24 * 3_600},immutable`;

/** Scripts, styles and icon; a year in any cache, for another content has another name. */
export function assetRoutes(): Route[] {
  // a page that refuses a wrong host needs its style
  const guards = { auth: "none", cookie: "never", anyHost: true } as const;
  return [{ method: "GET", path: PATHS.asset(":file"), guards, handle: sendAsset }];
}

async function sendAsset(ctx: Context): Promise<void> {
  const { file } = ctx.params as { file: string };
  if (!Object.values(ASSETS).includes(file)) return;
  ctx.vary("Accept-Encoding");
  await send(ctx, file, { root: FOLDER as string });
  // after the file was found: no cache may keep an error
  ctx.set("Cache-Control", A_YEAR_IN_ANY_CACHE);
}
