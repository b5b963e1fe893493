import type { Context, Middleware } from "koa";
import { isDatabaseAway } from "../../db/pool/connect.ts";
import { toJson } from "../delivery/frames.ts";
import { exposeRetryAfter } from "../guard/cors.ts";
import type { Guards } from "../guard/guards.ts";
import { setDocumentHeaders } from "../guard/headers.ts";
import { createRefusalPace } from "../guard/refusal-pace.ts";
import { countByTheMinute } from "../minute-log.ts";
import { causeOf } from "../outage.ts";
import { renderRefused } from "../pages/refused.ts";
import type { FormView } from "../pages/room.ts";
import { REFUSALS, Refusal, refuse } from "../refusal.ts";
import { readSlug } from "../rooms/slug.ts";
import type { Site } from "../site.ts";
import { answerAsScript } from "./answer.ts";
import { HostFailure } from "./ask-host.ts";
import { roomName } from "./find-room.ts";
import { inputOf, nonceOf } from "./input.ts";
import { pageLayout } from "./page-layout.ts";
import { loggedPath } from "./request-log.ts";
import { park } from "./stalls.ts";

/** [RFC 1035 2.3.4] The longest host name. */
const LOGGED_HOST_LENGTH = 255;

/**
 * Turns every error into an answer, and keeps the headers that were set before (Koa itself drops
 * them). Expected errors are refusals. A database that is away is `unavailable`. Anything else is a
 * bug, logged once with its stack and answered with 500.
 */
export function refused(site: Site): Middleware {
  let host = "";
  const noteWrongHost = countByTheMinute((requests) =>
    site.logger.warn({ host, requests }, "request refused: its host is not in CHATTERA_HOSTS"),
  );
  let cause = "";
  const noteUnavailable = countByTheMinute((requests) =>
    site.logger.warn({ cause, requests }, "requests refused: the database is unavailable"),
  );
  const pace = site.config.limits ? createRefusalPace() : () => undefined;
  return async (ctx, next) => {
    try {
      await next();
      if (ctx.respond !== false && ctx.body == null) refuseUnanswered(ctx);
    } catch (error) {
      const refusal = refusalOf(error);
      site.metrics.refusals.inc({ code: refusal.code });
      if (refusal.code === "internal" && !(error instanceof HostFailure))
        site.logger.error({ err: error, method: ctx.method, path: loggedPath(ctx.path) }, "unexpected error");
      if (refusal.code === "wrong_host") {
        host = ctx.state.host.slice(0, LOGGED_HOST_LENGTH);
        noteWrongHost();
      }
      if (isDatabaseAway(error)) {
        cause = causeOf(error);
        noteUnavailable();
      }
      if (REFUSALS[refusal.code].status === 429) await untilDue(ctx);
      if (ctx.res.headersSent) ctx.res.destroy();
      else answerRefusal(ctx, site, refusal);
    }
  };

  function untilDue(ctx: Context): Promise<void> | undefined {
    const due = pace(ctx.state.address);
    if (due) park(ctx);
    return due;
  }
}

/** If no route answers, the router only sets a status. With 405 it lists the methods in `Allow`. */
function refuseUnanswered(ctx: Context): void {
  if (ctx.status === 404) throw refuse("no_such_page");
  if (ctx.status === 405 || ctx.status === 501) throw refuse("method_not_allowed");
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  return refuse(isDatabaseAway(error) ? "unavailable" : "internal");
}

function answerRefusal(ctx: Context, site: Site, refusal: Refusal): void {
  const { status, title } = REFUSALS[refusal.code];
  ctx.respond = true;
  ctx.status = status;
  if (refusal.retrySeconds !== undefined) {
    ctx.set("Retry-After", String(refusal.retrySeconds));
    exposeRetryAfter(ctx);
  }
  if (isPage(ctx)) {
    setDocumentHeaders(ctx);
    ctx.type = "text/html; charset=utf-8";
    const unsent: FormView | undefined = status >= 500 || status === 429 ? ctx.state.unsent : undefined;
    ctx.body = renderRefused(pageLayout(ctx, site), {
      status,
      code: refusal.code,
      wording: refusal.wording,
      retrySeconds: refusal.retrySeconds,
      room: refusal.room,
      ...(unsent && { unsent }),
      missing: missingRoom(ctx, refusal),
      closed: closedRoom(ctx, refusal),
      left: leftRoom(ctx, refusal),
    });
    return;
  }
  // [RFC 9457] With about:blank, the title is the whole explanation; `code` is for programs.
  const problem = { type: "about:blank", title, status, code: refusal.code, detail: refusal.message };
  const n = knownNonce(ctx);
  const json = toJson({ chattera: 1, ...(n === undefined ? {} : { n }), ...problem });
  if (answerAsScript(ctx, json)) return;
  ctx.type = "application/problem+json; charset=utf-8";
  ctx.body = json;
}

/** Returns the room that a page's path names and that is not there, if it could be made. */
function missingRoom(ctx: Context, { code }: Refusal): { slug: string; title: string } | undefined {
  const slug = code === "no_such_room" && ctx.method === "GET" ? readSlug(roomName(ctx)) : undefined;
  return slug === undefined ? undefined : { slug, title: slug };
}

/** Returns the room that a page's path names and that opens with a password. */
function closedRoom(ctx: Context, { code }: Refusal): string | undefined {
  return code === "password_needed" || code === "wrong_password" ? readSlug(roomName(ctx)) : undefined;
}

/** Returns the room of a page that its reader has to enter again: a moderator removed them. */
function leftRoom(ctx: Context, { code }: Refusal): string | undefined {
  return code === "not_present" && ctx.method === "GET" ? readSlug(roomName(ctx)) : undefined;
}

/** Returns the nonce for the answer, unless the nonce is what is refused. */
function knownNonce(ctx: Context): string | undefined {
  try {
    return nonceOf(inputOf(ctx));
  } catch {
    return undefined;
  }
}

/**
 * Returns whether to answer with a page. If no route matches, a person who follows a link gets a
 * page, and a program gets JSON.
 */
function isPage(ctx: Context): boolean {
  const guards: Guards | undefined = ctx.state.guards;
  if (guards) return guards.page === true;
  return ctx.accepts("json", "html") === "html" && !ctx.path.startsWith("/api/");
}
