import type { Context } from "koa";
import { z } from "zod";
import type { Guards } from "../guard/guards.ts";
import { callbackSchema } from "../wire.ts";
import { inputOf } from "./input.ts";

/**
 * Returns the function that a JSONP request names, on a route that answers scripts, by GET. Throws
 * `malformed`.
 */
export function callbackOf(ctx: Context): string | undefined {
  const guards: Guards | undefined = ctx.state.guards;
  if (ctx.method !== "GET" || !guards?.jsonp) return undefined;
  return inputOf(ctx).read(SCRIPT).callback;
}

const SCRIPT = z.object({ callback: callbackSchema.optional() });
