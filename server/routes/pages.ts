import { randomUUID } from "node:crypto";
import type { Context } from "koa";
import { isPresent } from "../../db/log/members.ts";
import { readBefore } from "../../db/log/read.ts";
import { HISTORY_EVENTS } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { Tail } from "../delivery/tail.ts";
import { setDocumentHeaders } from "../guard/headers.ts";
import type { RateLimits } from "../guard/rate-limit.ts";
import { memberOf, type Session } from "../guard/session.ts";
import { setSessionCookie } from "../guard/session-cookie.ts";
import { enterRoom } from "../http/enter-room.ts";
import { findRooms, roomName, roomOf } from "../http/find-room.ts";
import { type Input, inputOf } from "../http/input.ts";
import { LANGUAGE_COOKIE, pageLayout } from "../http/page-layout.ts";
import { payerOf } from "../http/payer.ts";
import type { Route } from "../http/route.ts";
import type { Problem } from "../pages/language.ts";
import { liveAddress } from "../pages/live.ts";
import { renderLobby } from "../pages/lobby.ts";
import { type Back, type FormView, renderRoom } from "../pages/room.ts";
import { REFUSALS, Refusal } from "../refusal.ts";
import type { Site } from "../site.ts";
import { say } from "./messages.ts";
import { openSession } from "./sessions.ts";

/** What a form was refused for, and what was in it, so that nothing has to be typed twice. */
type Again = { problem?: Problem; nickname?: string; text?: string; back?: Back };

/** The site as pages: all of it works by links, forms and reloads. */
export function pageRoutes(site: Site, limits: RateLimits): Route[] {
  const showing = { page: true, auth: "token", cookie: "counts" } as const;
  const acting = { ...showing, mutates: true } as const;
  return [
    {
      method: "GET",
      path: PATHS.lobby,
      guards: { ...showing, limit: "reads" },
      handle: async (ctx) => {
        if (!chooseLanguage(ctx)) await showLobby(ctx, {});
      },
    },
    { method: "POST", path: PATHS.lobby, guards: acting, handle: takeLobbyForm },
    {
      method: "GET",
      path: PATHS.room(":room"),
      guards: { ...showing, limit: "reads" },
      handle: async (ctx) => {
        if (!chooseLanguage(ctx)) await showRoom(ctx, {});
      },
    },
    { method: "POST", path: PATHS.room(":room"), guards: acting, handle: takeRoomForm },
  ];

  async function takeLobbyForm(ctx: Context): Promise<void> {
    await orAgain(ctx, showLobby, async (again) => {
      again.nickname = inputOf(ctx).string("nickname") ?? "";
      const name = inputOf(ctx).text("room") ?? "lobby";
      await enterByForm(ctx, name, (tail) => PATHS.room(tail.slug));
    });
  }

  async function takeRoomForm(ctx: Context): Promise<void> {
    await orAgain(ctx, showRoom, async (again) => {
      const input = inputOf(ctx);
      const back = backOf(input);
      if (back) again.back = back;
      if (input.string("nickname") !== undefined) {
        again.nickname = input.string("nickname") ?? "";
        await enterByForm(ctx, roomName(ctx), (tail) => pathBack(ctx, tail, back));
      } else if (input.text("leave") !== undefined) {
        const { id: memberId } = memberOf(ctx);
        limits.moves.take(payerOf(ctx));
        await site.leave([{ roomId: (await roomOf(ctx, site)).id, memberId }]);
        redirect(ctx, PATHS.lobby);
      } else {
        again.text = input.string("text") ?? "";
        ctx.state.unsent = unsentOf(ctx, again.text, back);
        // [HTML 4.10.22.4] forms write line ends as CRLF
        ctx.state.body.text = again.text.replaceAll("\r\n", "\n");
        await say(ctx, site, limits);
        redirect(ctx, pathBack(ctx, await roomOf(ctx, site), back));
      }
    });
  }

  /** Does what a form asks; where it is refused, shows the page again with the reason. */
  async function orAgain(
    ctx: Context,
    show: (ctx: Context, again: Again) => Promise<void>,
    work: (again: Again) => Promise<void>,
  ): Promise<void> {
    const again: Again = {};
    try {
      await work(again);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code === "no_such_room") throw error;
      // the whole page costs more than a sentence does
      if (!limits.reads.allows(payerOf(ctx))) throw error;
      limits.reads.take(payerOf(ctx));
      ctx.status = REFUSALS[error.code].status;
      if (error.retrySeconds !== undefined) ctx.set("Retry-After", String(error.retrySeconds));
      const { wording, retrySeconds } = error;
      await show(ctx, { ...again, problem: { wording, retrySeconds } });
    }
  }

  async function enterByForm(ctx: Context, name: string, pathTo: (tail: Tail) => string): Promise<void> {
    const { member, token } = await openSession(ctx, site, limits);
    limits.moves.take({ ...payerOf(ctx), member: member.id });
    const [tail] = (await findRooms(site, [name])) as [Tail];
    await enterRoom(ctx, site, { tail, member });
    setSessionCookie(ctx, site, token);
    redirect(ctx, pathTo(tail));
  }

  async function showLobby(ctx: Context, again: Again): Promise<void> {
    const rooms = await site.lobby.rooms();
    showPage(ctx, renderLobby(pageLayout(ctx, site), { rooms, ...again }));
  }

  async function showRoom(ctx: Context, again: Again): Promise<void> {
    const tail = await roomOf(ctx, site);
    const session: Session | undefined = ctx.state.session;
    const place = { roomId: tail.id, memberId: session?.member.id ?? "" };
    const present = session !== undefined && (await isPresent(site.db, place));
    if (present) site.presence.noteSeen(place);
    // the log before the list of members: an event after the cursor may be in the list already, and
    // means the same
    const events = await readBefore(site.db, {
      roomId: tail.id,
      before: Number.MAX_SAFE_INTEGER,
      limit: HISTORY_EVENTS,
    });
    const view = {
      room: { slug: tail.slug, title: tail.title },
      events,
      ...(await site.people(tail.id)),
      cursor: tail.cursorAt(events.at(-1)?.seq ?? tail.sent),
      hasOlder: (events[0]?.seq ?? 1) > 1,
      present,
      clientId: randomUUID(),
    };
    showPage(ctx, renderRoom(pageLayout(ctx, site), { ...view, ...again }));
  }
}

/**
 * What routes/refused.ts shows where not even the room can be shown; under the same id, for it may
 * be stored already.
 */
function unsentOf(ctx: Context, text: string, back: Back | undefined): FormView {
  const { room } = ctx.params as { room: string };
  const clientId = inputOf(ctx).text("id") ?? randomUUID();
  return { room: { slug: room, title: room }, clientId, text, ...(back && { back }) };
}

/** Did the form stand on a live page, and on which? */
function backOf(input: Input): Back | undefined {
  if (input.text("back") !== "live") return undefined;
  return { refresh: refreshOf(input, 0), after: input.text("after") };
}

/**
 * Returns a live page's seconds between renewals, 5 to 300, or 0 for one that grows. Throws
 * `malformed`.
 */
export function refreshOf(input: Input, usual: number): number {
  return input.text("refresh") === "0" ? 0 : input.number("refresh", { min: 5, max: 300 }, usual);
}

function pathBack(ctx: Context, tail: Tail, back: Back | undefined): string {
  if (back === undefined) return ctx.path;
  return liveAddress({ room: tail.slug, refresh: back.refresh, isBare: false }, back.after);
}

/** Answers with a page, which is the reader's own. */
export function showPage(ctx: Context, page: string): void {
  setDocumentHeaders(ctx);
  ctx.type = "text/html; charset=utf-8";
  ctx.vary("Accept-Language");
  ctx.vary("Cookie");
  const { status } = ctx;
  ctx.body = page;
  if (status !== 404) ctx.status = status;
}

/**
 * `?language=ja` or `en`: remembered for a year, and off the address again. Gives whether it was
 * asked for.
 */
export function chooseLanguage(ctx: Context): boolean {
  const language = inputOf(ctx).text("language");
  if (language !== "ja" && language !== "en") return false;
  ctx.cookies.set(LANGUAGE_COOKIE, language, {
    path: ctx.state.base || "/",
    sameSite: "lax",
    maxAge: 365 * 24 * 3_600_000,
    overwrite: true,
  });
  redirect(ctx, ctx.path);
  return true;
}

/**
 * [RFC 9110 15.4.4] 303: fetch that with GET, so that a reload sends no form twice. Only to paths
 * of our own routes.
 */
function redirect(ctx: Context, path: string): void {
  setDocumentHeaders(ctx);
  ctx.redirect(ctx.state.base + path);
  ctx.status = 303;
}
