import type { Context, Middleware } from "koa";

/** The host's context, of which a context of ours is made. */
const HOST = Symbol("host's context");

/**
 * Runs a middleware with a context of its own. It has the request and the response of the host's
 * context, and a `state` that is empty: the host does not see ours, and a value that the host has
 * left in its state, or a router in the context, is never taken for ours.
 */
export function withOwnContext(middleware: Middleware): Middleware {
  return (ctx, next) => middleware(ownContext(ctx), next);
}

/** Returns the context that the host's middleware has, for functions of the host. */
export function hostContextOf(ctx: Context): Context {
  return (ctx as { [HOST]?: Context })[HOST] ?? ctx;
}

function ownContext(host: Context): Context {
  return Object.create(host, {
    [HOST]: { value: host },
    state: { value: {} },
    // Koa reads it when all middleware has run.
    respond: { get: () => host.respond, set: (value: boolean) => Object.assign(host, { respond: value }) },
    ...OF_A_ROUTER,
  }) as Context;
}

/** Our router would use these, which a router of the host may have left. */
const OF_A_ROUTER = Object.fromEntries(
  ["params", "captures", "matched", "router", "routerName", "routerPath", "newRouterPath"].map((name) => [
    name,
    { value: undefined, writable: true },
  ]),
);
