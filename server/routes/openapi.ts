import type { Context } from "koa";
import { PATHS } from "../../protocol/paths.ts";
import { toJson } from "../delivery/frames.ts";
import type { Route } from "../http/route.ts";
import { type ApiCall, describeApi } from "../openapi.ts";

/** Returns the route of the description of the API that these routes are. */
export function openApiRoutes(routes: Route[]): Route[] {
  const calls = apiCalls(routes);
  const guards = { auth: "none", cookie: "never" } as const;
  return [{ method: "GET", path: PATHS.openApi, guards, handle: (ctx) => send(ctx, calls) }];
}

/** Returns the calls of the API among some routes, each once. */
export function apiCalls(routes: Route[]): ApiCall[] {
  return routes
    .filter(({ guards }) => guards.api === true)
    .flatMap(({ method, path }) => [path].flat().map((one) => ({ method, path: one })));
}

function send(ctx: Context, calls: ApiCall[]): void {
  ctx.type = "application/json; charset=utf-8";
  ctx.body = toJson(describeApi(ctx.state.base, calls));
}
