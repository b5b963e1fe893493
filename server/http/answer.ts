import type { Context } from "koa";
import { toJson } from "../delivery/frames.ts";
import { callbackOf } from "./callback.ts";
import { inputOf, nonceOf } from "./input.ts";

/**
 * Refuses what could not be answered before anything is done for it: nothing is stored and then
 * answered 400.
 */
export function assertAnswerable(ctx: Context): void {
  nonceOf(inputOf(ctx));
  callbackOf(ctx);
}

/**
 * Answers with JSON: our mark `"chattera":1`, by which a client tells our answer from a login
 * page's, the request's nonce, a newer token for one that grows old, and the members of `value`.
 */
export function answer(ctx: Context, value: object, status = 200): void {
  const n = nonceOf(inputOf(ctx));
  ctx.status = status;
  const { renewedToken: token } = ctx.state;
  answerBytes(ctx, toJson({ chattera: 1, ...(n === undefined ? {} : { n }), ...(token && { token }), ...value }));
}

/** The same for JSON that is encoded already; as a script where a callback is asked for. */
export function answerBytes(ctx: Context, json: string | Buffer): void {
  const callback = callbackOf(ctx);
  if (callback === undefined) {
    ctx.type = "application/json; charset=utf-8";
    ctx.body = json;
    return;
  }
  ctx.type = "application/javascript; charset=utf-8";
  // a script for a page of a listed origin, which the site's own policy would keep from it
  if (ctx.state.source === "listed") ctx.set("Cross-Origin-Resource-Policy", "cross-origin");
  // [Rosetta Flash, CVE-2014-4671] a comment first, so that no callback's name can be the head of
  // another kind of file
  ctx.body = `/**/${callback}(${json});`;
}

/**
 * The same for a refusal. A script element can read no answer but 200: who asks by one may ask for
 * refusals with that status too. Gives `false` where it is to be answered as a refusal. Never
 * throws, for it may be the callback that is refused.
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
