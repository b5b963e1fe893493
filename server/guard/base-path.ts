import type { Middleware } from "koa";
import { refuse } from "../refusal.ts";
import { assertUtf8 } from "./utf8.ts";

/**
 * Takes the base path and the parameters in the path off the path, so that routes see neither. `ctx.state.base` is what
 * links begin with; `ctx.state.pathParams` what stood as `;name=value` behind the last segment.
 *
 * A path without the base is answered as well: some proxies strip it. In somebody's app it is what koa-mount says.
 */
export function basePath(base: string): Middleware {
  return async (ctx, next) => {
    const mountPath: unknown = (ctx as { mountPath?: unknown }).mountPath;
    ctx.state.base = (typeof mountPath === "string" ? mountPath.replace(/\/$/, "") : "") + base;
    const path = ctx.path;
    if (base !== "" && (path === base || path.startsWith(`${base}/`) || path.startsWith(`${base};`)))
      ctx.path = path.slice(base.length) || "/";
    const [bare, ...params] = ctx.path.split(";");
    ctx.state.pathParams = params.map(readParam);
    ctx.path = bare || "/";
    // @koa/router hands out what it cannot decode as it is
    assertUtf8(ctx.path);
    assertUtf8(ctx.querystring);
    await next();
  };
}

/** [networks 4] Some networks strip queries: what may stand in a query may stand here. */
function readParam(param: string): [string, string] {
  const at = param.indexOf("=");
  if (at < 1) throw refuse("malformed", "parameters in the path look like ;name=value");
  try {
    return [param.slice(0, at), decodeURIComponent(param.slice(at + 1).replaceAll("+", " "))];
  } catch {
    throw refuse("malformed", "a parameter in the path is not UTF-8");
  }
}
