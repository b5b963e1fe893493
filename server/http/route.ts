import Router from "@koa/router";
import type { Context, Middleware, Next } from "koa";
import { body } from "../guard/body.ts";
import { allowOrigin, answerPreflight } from "../guard/cors.ts";
import type { Guards } from "../guard/guards.ts";
import { signInOf } from "../guard/operators.ts";
import { assertMayChange } from "../guard/proof.ts";
import { findSession } from "../guard/session.ts";
import { isHidden, isWrongHost, sourceOf } from "../guard/source.ts";
import { Refusal, refuse } from "../refusal.ts";
import type { Site } from "../site.ts";
import { assertAnswerable } from "./answer.ts";
import { callbackOf } from "./callback.ts";
import { findUser } from "./identify.ts";
import { assertNoRepeats } from "./input.ts";
import { payerOf } from "./payer.ts";

/** One method of one path. */
export type Route = {
  method: "GET" | "POST";
  path: string | string[];
  guards: Guards;
  handle(ctx: Context): void | Promise<void>;
};

/**
 * Puts the routes into one strict, case-sensitive router. Each request passes its route's guards,
 * then the handler.
 */
export function routerOf(routes: Route[], site: Site): Router {
  const router = new Router({ strict: true, sensitive: true });
  for (const route of routes)
    for (const path of [route.path].flat())
      if (route.method === "GET") router.get(path, guarded(route, site));
      else router.post(path, guarded(route, site));
  return router;
}

/**
 * Refuses requests for another host, also if the answer would be a redirect, a preflight or a 404.
 * Throws `wrong_host`, except if a route answers any host.
 */
export function ownHost({ config }: Site): Middleware {
  return (ctx, next) => {
    ctx.state.isWrongHost = isWrongHost(ctx, config.hosts);
    return ctx.state.isWrongHost ? refuseWrongHost(ctx, next) : next();
  };
}

async function refuseWrongHost(ctx: Context, next: Next): Promise<void> {
  await next().catch((error) => {
    throw ctx.state.guards?.anyHost ? error : refuse("wrong_host");
  });
  if (ctx.state.guards?.anyHost) return;
  throw refuse("wrong_host");
}

/**
 * Lets pages of listed origins read the answers, refusals too, and answers their preflights. Any
 * other OPTIONS request reaches the router, which lists the methods.
 */
export function crossOrigin({ config }: Site): Middleware {
  return async (ctx, next) => {
    const source = sourceOf(ctx, config.origins, config.hosts);
    ctx.state.isFramable = true;
    allowOrigin(ctx, source);
    if (ctx.method === "OPTIONS" && source === "listed" && ctx.get("Access-Control-Request-Method") !== "")
      answerPreflight(ctx, source);
    else await next();
  };
}

/** Checks the cheap things first: the host, the source, then the body, then its fields. */
function guarded({ guards, handle }: Route, site: Site): Middleware {
  const { origins, hosts } = site.config;
  return async (ctx) => {
    ctx.state.guards = guards;
    if (ctx.state.isWrongHost && !guards.anyHost) throw refuse("wrong_host");
    // A router answers HEAD by running the GET, and this GET changes something.
    if (guards.mutates && ctx.method === "HEAD") throw refuse("method_not_allowed");
    const source = sourceOf(ctx, origins, hosts);
    ctx.state.source = source;
    await body(ctx, nothing);
    assertNoRepeats(ctx);
    if (guards.api) assertAnswerable(ctx);
    ctx.state.isScript = callbackOf(ctx) !== undefined;
    if (ctx.state.isScript) assertMayRunScript(ctx);
    if (guards.auth !== "none") {
      if (site.findUser !== undefined || site.askHost !== undefined) await findUserPatiently(ctx, guards, site);
      findSession(ctx, guards, site);
    }
    ctx.state.isOperator = signInOf(ctx, site) !== undefined;
    if (guards.limit) site.limits[guards.limit].take(payerOf(ctx));
    if (guards.mutates) assertMayChange(ctx, site);
    await handle(ctx);
  };
}

/** A stream whose host is away is answered so that its client comes back. */
async function findUserPatiently(ctx: Context, guards: Guards, site: Site): Promise<void> {
  try {
    await findUser(ctx, guards, site);
  } catch (error) {
    if (!guards.saysBye || !(error instanceof Refusal) || error.code !== "unavailable") throw error;
    ctx.state.isHostAway = true;
  }
}

/**
 * Refuses scripts to other sites: a script runs in the page that requests it, so only our own pages
 * and those of listed origins get one.
 */
function assertMayRunScript(ctx: Context): void {
  const { source } = ctx.state;
  if (source === "other-site" || source === "other-host" || isHidden(ctx, source)) throw refuse("forbidden");
}

async function nothing(): Promise<void> {}
