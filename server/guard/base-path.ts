import type { Middleware } from "koa";
import { refuse } from "../refusal.ts";
import { assertUtf8 } from "./utf8.ts";

/**
 * Takes the base path and the parameters in the path off the path, so that routes see neither. `ctx.state.base` is what
 * links begin with; `ctx.state.pathParams` what stood as `;name=value` behind the last segment; `ctx.state.query` what
 * stood behind `?`.
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
    const read = params.map(readParam);
    // also of a request that is refused for one of them: its nonce may be another
    ctx.state.pathParams = read.filter((param) => param !== undefined);
    ctx.state.query = new URLSearchParams(ctx.querystring);
    ctx.path = bare || "/";
    if (read.includes(undefined))
      throw refuse("malformed", "a parameter in the path: ;name=UTF-8 or ;name64=base64url");
    // @koa/router hands out what it cannot decode as it is
    assertUtf8(ctx.path);
    assertUtf8(ctx.querystring);
    await next();
  };
}

/**
 * [networks 4] Some networks strip queries: what may stand in a query may stand here. [Apache AllowEncodedSlashes, nginx
 * proxy_pass] A path loses %2F and %3B on its way, so a text may stand as base64url under its name and 64.
 */
function readParam(param: string): [string, string] | undefined {
  const [, name = "", is64, value = ""] = /^([^=]+?)(64)?=(.*)$/s.exec(param) ?? [];
  if (name === "") return undefined;
  try {
    return [name, is64 ? decode64(value) : decodeURIComponent(value.replaceAll("+", " "))];
  } catch {
    return undefined;
  }
}

/** Throws where it is not the one way to write these bytes, or they are not UTF-8. */
function decode64(value: string): string {
  const bytes = Buffer.from(value, "base64url");
  if (bytes.toString("base64url") !== value) throw new TypeError("not base64url");
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}
