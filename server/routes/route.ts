import Router from "@koa/router";
import type { Context, Middleware } from "koa";
import { body } from "../guard/body.ts";
import { allowOrigin, answerPreflight } from "../guard/cors.ts";
import type { Guards } from "../guard/guards.ts";
import { assertMayChange } from "../guard/proof.ts";
import { findSession } from "../guard/session.ts";
import { assertHost, isHidden, sourceOf } from "../guard/source.ts";
import { refuse } from "../refusal.ts";
import type { Site } from "../site.ts";
import { assertAnswerable } from "./answer.ts";
import { callbackOf } from "./callback.ts";
import { assertNoRepeats } from "./input.ts";
import { payerOf } from "./payer.ts";

/** One method of one path. */
export type Route = {
  method: "GET" | "POST";
  path: string | string[];
  guards: Guards;
  handle(ctx: Context): void | Promise<void>;
};

/** Puts the routes into one strict, case-sensitive router. Each request passes its route's guards, then the handler. */
export function routerOf(routes: Route[], site: Site): Router {
  const router = new Router({ strict: true, sensitive: true });
  for (const route of routes)
    for (const path of [route.path].flat())
      if (route.method === "GET") router.get(path, guarded(route, site));
      else router.post(path, guarded(route, site));
  return router;
}

/** Answers preflights of listed origins; any other OPTIONS reaches the router, which names the methods. */
export function preflight({ config }: Site): Middleware {
  return async (ctx, next) => {
    const source = ctx.method === "OPTIONS" ? sourceOf(ctx, config.origins, config.hosts) : "unknown";
    if (source === "listed" && ctx.get("Access-Control-Request-Method") !== "") answerPreflight(ctx, source);
    else await next();
  };
}

/** The cheap checks come first: host, source, then the body, then what the body says. */
function guarded({ guards, handle }: Route, site: Site): Middleware {
  const { origins, hosts } = site.config;
  return async (ctx) => {
    ctx.state.guards = guards;
    if (!guards.anyHost) assertHost(ctx, hosts);
    // a router answers HEAD by the GET, and this GET changes something
    if (guards.mutates && ctx.method === "HEAD") throw refuse("method_not_allowed");
    const source = sourceOf(ctx, origins, hosts);
    ctx.state.source = source;
    if (guards.api && origins.length > 0) allowOrigin(ctx, source);
    await body(ctx, nothing);
    assertNoRepeats(ctx);
    if (guards.api) assertAnswerable(ctx);
    ctx.state.isScript = callbackOf(ctx) !== undefined;
    if (ctx.state.isScript) assertMayRunScript(ctx);
    if (guards.auth !== "none") findSession(ctx, guards, site);
    if (guards.limit) site.limits[guards.limit].take(payerOf(ctx));
    if (guards.mutates) assertMayChange(ctx, guards, source, site);
    await handle(ctx);
  };
}

/** A script runs in the page that asks, so it is answered to our own pages and to those of listed origins. */
function assertMayRunScript(ctx: Context): void {
  const { source } = ctx.state;
  if (source === "other-site" || source === "other-host" || isHidden(ctx, source)) throw refuse("forbidden");
}

async function nothing(): Promise<void> {}
