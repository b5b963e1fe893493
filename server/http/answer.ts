import type { Context } from "koa";
import { toJson } from "../delivery/frames.ts";
import { callbackOf } from "./callback.ts";
import { inputOf, nonceOf } from "./input.ts";

/**
 * Refuses a request that could not be answered, before it has any effect: no message is stored and
 * then answered with 400.
 */
export function assertAnswerable(ctx: Context): void {
  nonceOf(inputOf(ctx));
  callbackOf(ctx);
}

/**
 * Answers with JSON: the mark `"chattera":1`, by which a client distinguishes our answer from a
 * login page, the request's nonce, a newer token if one is due, and the members of `value`.
 */
export function answer(ctx: Context, value: object, status = 200): void {
  const n = nonceOf(inputOf(ctx));
  ctx.status = status;
  const { renewedToken: token } = ctx.state;
  answerBytes(ctx, toJson({ chattera: 1, ...(n === undefined ? {} : { n }), ...(token && { token }), ...value }));
}

/** Answers with JSON that is already encoded, or with a script if the request names a callback. */
export function answerBytes(ctx: Context, json: string | Buffer): void {
  const callback = callbackOf(ctx);
  if (callback === undefined) {
    ctx.type = "application/json; charset=utf-8";
    ctx.body = json;
    return;
  }
  ctx.type = "application/javascript; charset=utf-8";
  // The site's own policy would block this script in a page of a listed origin.
  if (ctx.state.source === "listed") ctx.set("Cross-Origin-Resource-Policy", "cross-origin");
  // [Rosetta Flash, CVE-2014-4671] The comment comes first, so that no callback's name can be the
  // head of another kind of file.
  ctx.body = `/**/${callback}(${json});`;
}

/**
 * Answers a refusal with a script. A script element can read no status except 200, so such a
 * request may ask for refusals with 200 too. Returns `false` if the refusal needs its own status.
 * Never throws, since the callback itself may be what is refused.
 */
export function answerAsScript(ctx: Context, json: string): boolean {
  try {
    if (callbackOf(ctx) === undefined || inputOf(ctx).text("status") !== "200") return false;
    if (ctx.status === 403) return false;
  } catch {
    return false;
  }
  ctx.status = 200;
  answerBytes(ctx, json);
  return true;
}
