import type { Context } from "koa";
import { PATHS } from "../../protocol/paths.ts";
import { toJson } from "../delivery/frames.ts";
import type { Route } from "../http/route.ts";
import { describeApi } from "../openapi.ts";

/** Returns the route of the description of the API. */
export function openApiRoutes(): Route[] {
  const guards = { auth: "none", cookie: "never" } as const;
  return [{ method: "GET", path: PATHS.openApi, guards, handle: send }];
}

function send(ctx: Context): void {
  ctx.type = "application/json; charset=utf-8";
  ctx.body = toJson(describeApi(ctx.state.base));
}
