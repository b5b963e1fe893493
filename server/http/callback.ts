import type { Context } from "koa";
import type { Guards } from "../guard/guards.ts";
import { refuse } from "../refusal.ts";
import { type Input, inputOf } from "./input.ts";

/**
 * Returns the function that a JSONP request names, on a route that answers scripts, by GET. Throws
 * `malformed`.
 */
export function callbackOf(ctx: Context): string | undefined {
  const guards: Guards | undefined = ctx.state.guards;
  if (ctx.method !== "GET" || !guards?.jsonp) return undefined;
  return readCallback(inputOf(ctx));
}

/** Returns the function that an iframe calls. Throws `malformed`. */
export function frameCallback(input: Input): string {
  const callback = readCallback(input);
  if (callback === undefined) throw refuse("malformed", "callback: a JavaScript name");
  return callback;
}

function readCallback(input: Input): string | undefined {
  const callback = input.text("callback");
  if (callback !== undefined && !CALLBACK.test(callback)) throw refuse("malformed", "callback: a JavaScript name");
  return callback;
}

const CALLBACK = /^[A-Za-z_$][\w$]{0,63}(\.[A-Za-z_$][\w$]{0,63}){0,3}$/;
