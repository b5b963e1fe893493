import type { Context, Middleware } from "koa";
import { toJson } from "../delivery/frames.ts";
import { refuse } from "../refusal.ts";
import { assertNoRepeats, type Input, inputOf, nonceOf } from "./input.ts";

/** Refuses what could not be answered before anything is done for it: nothing is stored and then answered 400. */
export const answerable: Middleware = async (ctx, next) => {
  assertNoRepeats(ctx);
  if (ctx.path.startsWith("/api/")) {
    nonceOf(inputOf(ctx));
    callbackOf(ctx);
  }
  await next();
};

/**
 * Answers with JSON: our mark `"chattera":1`, by which a client tells our answer from a login page's, the request's
 * nonce, and the members of `value`.
 */
export function answer(ctx: Context, value: object, status = 200): void {
  const n = nonceOf(inputOf(ctx));
  ctx.status = status;
  answerBytes(ctx, Buffer.from(toJson({ chattera: 1, ...(n === undefined ? {} : { n }), ...value })));
}

/** The same for JSON that is encoded already; as a script where a callback is asked for. */
export function answerBytes(ctx: Context, json: Buffer): void {
  const callback = callbackOf(ctx);
  if (callback === undefined) {
    ctx.type = "application/json; charset=utf-8";
    ctx.body = json;
    return;
  }
  ctx.type = "application/javascript; charset=utf-8";
  // a script for pages of other origins, which the site's own policy would keep from them
  ctx.set("Cross-Origin-Resource-Policy", "cross-origin");
  // [Rosetta Flash, CVE-2014-4671] a comment first, so that no callback's name can be the head of another kind of file
  ctx.body = Buffer.concat([Buffer.from(`/**/${callback}(`), json, Buffer.from(");")]);
}

/**
 * The same for a refusal. A script element can read no answer but 200: who asks by one may ask for refusals with that
 * status too. Gives `false` where it is to be answered as a refusal. Never throws, for it may be the callback that is refused.
 */
export function answerAsScript(ctx: Context, json: Buffer): boolean {
  try {
    if (callbackOf(ctx) === undefined || inputOf(ctx).text("status") !== "200") return false;
  } catch {
    return false;
  }
  ctx.status = 200;
  answerBytes(ctx, json);
  return true;
}

/** What a frame calls. Throws `malformed`. */
export function frameCallback(input: Input): string {
  const callback = readCallback(input);
  if (callback === undefined) throw refuse("malformed", "callback: a JavaScript name");
  return callback;
}

/** The function a JSONP request wants called; only where a script can ask, by GET. Throws `malformed`. */
function callbackOf(ctx: Context): string | undefined {
  if (ctx.method !== "GET" || !JSONP_PATH.test(ctx.path)) return undefined;
  return readCallback(inputOf(ctx));
}

function readCallback(input: Input): string | undefined {
  const callback = input.text("callback");
  if (callback !== undefined && !CALLBACK.test(callback)) throw refuse("malformed", "callback: a JavaScript name");
  return callback;
}

const JSONP_PATH = /^\/api\/(poll|session|rooms\/[^/]+(\/(say|messages))?)$/;
const CALLBACK = /^[A-Za-z_$][\w$]{0,63}(\.[A-Za-z_$][\w$]{0,63}){0,3}$/;
