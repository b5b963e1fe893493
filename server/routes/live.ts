import { randomUUID } from "node:crypto";
import type { Context } from "koa";
import { isPresent } from "../../db/log/members.ts";
import { readBefore } from "../../db/log/read.ts";
import { isDatabaseAway } from "../../db/pool/connect.ts";
import type { RoomEvent } from "../../protocol/event.ts";
import { HISTORY_EVENTS, NONCE, PAGE_EVENTS } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { joinReader, placeReader } from "../delivery/join.ts";
import { Reader, type Transport } from "../delivery/reader.ts";
import { retryMs } from "../delivery/retry.ts";
import type { Tail } from "../delivery/tail.ts";
import { setDocumentHeaders } from "../guard/headers.ts";
import { roomOf } from "../http/find-room.ts";
import { addPathParams, inputOf } from "../http/input.ts";
import { pageFrame } from "../http/page-layout.ts";
import { accountOf, payerOf, visitorOf } from "../http/payer.ts";
import { byeOf, memberIdOf, patienceMs, reasonToWait, removeIfGone } from "../http/reading.ts";
import type { Route } from "../http/route.ts";
import * as pages from "../pages/live.ts";
import { renderRefused } from "../pages/refused.ts";
import { REFUSALS, Refusal, refuse } from "../refusal.ts";
import type { Site } from "../site.ts";
import {
  HTML_STREAM_HEADERS,
  type HtmlStream,
  type HtmlStreamOptions,
  openHtmlStream,
} from "../streams/html-stream.ts";
import { confirmStream } from "./here.ts";
import { chooseLanguage, refreshOf, showPage } from "./pages.ts";

/** How often a page is renewed that was not asked how often. */
const REFRESH_SECONDS = 10;

/**
 * These show a page when it is whole, not before; a page that grows would never be seen. They say who they are, and
 * nothing else in their requests tells them from the others.
 */
const SHOWS_WHOLE_PAGES = /^(w3m|Lynx|edbrowse)\b/i;

/** These show a page as it grows, and fetch no pictures by which they could tell. */
const SHOWS_NO_PICTURES = /^E?Links\b/i;

/** They stay at the top of the page: so many lines leave room on a screen of 24 for what is said next, below either form. */
const LINES_BELOW_SAYING = 8;
const LINES_BELOW_ENTERING = 2;

/** A browser that has shown that pages arrive while they grow; forgotten soon, for it may come to another network. */
const ARRIVES_COOKIE = "arrives";
const ARRIVES_MS = 15 * 60_000;

/** The sign of a page that grows is fetched at once; later than this, the page was held back. */
const SIGN_MS = 5_000;

/** A room's log as a page that goes on, without script. */
export function liveRoutes(site: Site): Route[] {
  const growing = new Map<string, HtmlStream>();
  return [
    {
      method: "GET",
      path: [PATHS.live(":room"), `${PATHS.live(":room")}/refresh=:refresh{/after=:after}`],
      guards: { page: true, auth: "token", cookie: "counts" },
      handle: showLive,
    },
    { method: "GET", path: PATHS.liveSign(":room"), guards: { auth: "none", cookie: "never" }, handle: takeSign },
  ];

  async function showLive(ctx: Context): Promise<void> {
    if (chooseLanguage(ctx)) return;
    const { room: _room, ...inPath } = ctx.params;
    addPathParams(ctx, inPath);
    try {
      site.limits.reads.take(payerOf(ctx));
      const tail = await roomOf(ctx, site);
      const manner = mannerOf(ctx, tail);
      // a frame begins with a whole page: the page around it is loaded then, and has a log on whatever network
      const isFirst = manner.refresh === 0 && manner.isBare && inputOf(ctx).text("after") === undefined;
      const isBusy = manner.refresh === 0 && !isFirst && reasonToWait(ctx, site) !== undefined;
      const isWhole = manner.refresh > 0 || isFirst || isBusy;
      if (isWhole) await renew(ctx, tail, manner, { isBusy, isFirst });
      else await grow(ctx, tail, manner);
    } catch (error) {
      showRefusal(ctx, site, isDatabaseAway(error) ? refuse("unavailable") : error);
    }
  }

  function takeSign(ctx: Context): void {
    const input = inputOf(ctx);
    const page = input.text("page");
    if (page !== undefined && NONCE.test(page)) confirmStream(ctx, site, page);
    const isInTime = Math.abs(Date.now() - input.number("at", { min: 0, max: Number.MAX_SAFE_INTEGER }, 0)) < SIGN_MS;
    if (isInTime) growing.get(page ?? "")?.arrives();
    if (isInTime) setArrivesCookie(ctx);
    ctx.type = "image/gif";
    ctx.body = PIXEL;
  }

  /** A whole page: what was said after the reader's cursor, and the lines above it. */
  async function renew(
    ctx: Context,
    tail: Tail,
    manner: pages.LiveOptions,
    { isBusy, isFirst }: { isBusy: boolean; isFirst: boolean },
  ): Promise<void> {
    const { start, reset } = await placeOf(ctx, new Reader([tail], NOWHERE, memberIdOf(ctx)), tail);
    const news = reset ? [] : await site.hub.backlog(tail, start, accountOf(ctx, site).network);
    const isTorn = news[0] !== undefined && news[0].seq !== start + 1;
    const view = await viewOf(ctx, tail, manner, { start, reset: isTorn ? "pruned" : reset });
    const last = news.at(-1)?.seq ?? start;
    // behind still, or only the first page of a frame: the next one at once
    const isSoon = isBehind(tail, start, news) || (isFirst && !isBusy);
    const seconds = isSoon ? 1 : manner.refresh || REFRESH_SECONDS;
    const page = { ...view, events: news, cursor: tail.cursorAt(last), seconds, isBusy };
    showPage(ctx, pages.renderRefreshing(pageFrame(ctx, site), page));
  }

  async function grow(ctx: Context, tail: Tail, manner: pages.LiveOptions): Promise<void> {
    const id = randomUUID();
    const stream = openHtmlStream(
      ctx.res,
      optionsOf(ctx, manner, id, () => end()),
    );
    const reader = new Reader([tail], stream, memberIdOf(ctx));
    reader.nonce = id;
    const end = () => {
      growing.delete(id);
      site.hub.remove(reader);
    };
    if (ctx.method === "HEAD") {
      ctx.status = 200;
      setGrowingHeaders(ctx);
      return;
    }
    const place = await placeOf(ctx, reader, tail);
    const view = await viewOf(ctx, tail, manner, place);
    if (hasNoPictures(ctx) || ctx.cookies.get(ARRIVES_COOKIE)) stream.arrives();
    setGrowingHeaders(ctx);
    ctx.vary("Cookie");
    ctx.respond = false;
    growing.set(id, stream);
    try {
      await stream.begin(pages.renderGrowing(pageFrame(ctx, site), view), view.context.at(-1));
      // ended before it began
      if (!reader.isOpen) return;
      const isAdmitted = site.hub.admit(reader, visitorOf(ctx, site));
      removeIfGone(site, reader, ctx);
      // since it was asked for, the others were sent away
      if (site.isDraining || !isAdmitted) site.hub.sendAway(reader, { retry: retryMs(site.hub.readers.size) });
      await joinReader(site.hub, reader, accountOf(ctx, site));
    } catch (error) {
      const bye = byeOf(error, retryMs(site.hub.readers.size));
      if (bye) {
        site.hub.sendAway(reader, bye);
        return;
      }
      if (isDatabaseAway(error)) site.logger.debug({ err: error }, "a page could not be joined to the log");
      else site.logger.error({ err: error }, "unexpected error: a page could not be joined to the log");
      end();
    }
  }

  function optionsOf(ctx: Context, manner: pages.LiveOptions, id: string, onOver: () => void): HtmlStreamOptions {
    const frame = pageFrame(ctx, site);
    // where nothing is fetched along, a sign would be an empty line, and the way on a line that moves all others
    const isText = hasNoPictures(ctx);
    const address = () => `${PATHS.liveSign(manner.room)};page=${id};at=${Date.now()}`;
    return {
      language: frame.language,
      lines: (events, previous) => pages.growingLines(frame, events, previous),
      gap: pages.growingGap(frame),
      sign: () => (isText ? "\n" : pages.growingSign(frame, address())),
      ping: (cursor) => (isText ? "\n" : pages.growingPing(frame, manner, cursor)),
      ending: (cursor, seconds) => pages.growingEnd(frame, { options: manner, cursor, seconds }),
      patienceMs: patienceMs(site),
      onOver,
    };
  }

  /** Puts a reader where its cursor says; without one, at the log's end. */
  async function placeOf(ctx: Context, reader: Reader, tail: Tail) {
    const resets = await placeReader(site.hub, reader, inputOf(ctx).texts("after"));
    return { start: reader.seqIn(tail), reset: resets[0]?.reason };
  }

  async function viewOf(
    ctx: Context,
    tail: Tail,
    manner: pages.LiveOptions,
    { start, reset }: Awaited<ReturnType<typeof placeOf>>,
  ): Promise<pages.LiveView> {
    const memberId = memberIdOf(ctx);
    const seat = { roomId: tail.id, memberId: memberId ?? "" };
    const present = memberId !== undefined && (await isPresent(site.db, seat));
    // Nothing comes from this page until its next renewal.
    if (present) site.presence.saw(seat, manner.refresh * 1000);
    const { memberCount, visitors } = await site.people(tail.id);
    const isAtTop = manner.refresh === 0 && hasNoPictures(ctx);
    const lines = isAtTop ? (present ? LINES_BELOW_SAYING : LINES_BELOW_ENTERING) : HISTORY_EVENTS;
    return {
      options: manner,
      title: tail.title,
      context: await readBefore(site.db, { roomId: tail.id, before: start + 1, limit: lines }),
      events: [],
      cursor: tail.cursorAt(start),
      seconds: 0,
      isBusy: false,
      reset,
      figures: { members: memberCount, visitors },
      present,
      clientId: randomUUID(),
    };
  }
}

/** A full page says that more may wait even where this node has not heard of it yet. */
function isBehind(tail: Tail, start: number, news: RoomEvent[]): boolean {
  return news.length === PAGE_EVENTS || tail.head > (news.at(-1)?.seq ?? start);
}

function setGrowingHeaders(ctx: Context): void {
  setDocumentHeaders(ctx);
  ctx.set(HTML_STREAM_HEADERS);
}

function setArrivesCookie(ctx: Context): void {
  const path = ctx.state.base || "/";
  ctx.cookies.set(ARRIVES_COOKIE, "1", { path, httpOnly: true, sameSite: "lax", maxAge: ARRIVES_MS });
}

/** Without a refresh of its own, the page would stay what it is for hours after the database is back. */
function showRefusal(ctx: Context, site: Site, refusal: unknown): void {
  if (!(refusal instanceof Refusal) || refusal.retrySeconds === undefined) throw refusal;
  const { code, wording, retrySeconds } = refusal;
  const { status } = REFUSALS[code];
  ctx.status = status;
  ctx.set("Retry-After", String(retrySeconds));
  const refreshSeconds = Math.max(retrySeconds, REFRESH_SECONDS);
  showPage(ctx, renderRefused(pageFrame(ctx, site), { status, code, wording, retrySeconds, refreshSeconds }));
}

/** `?refresh=10`: 5 s to 5 min, or 0, the default, for a page that grows. Throws `malformed`. */
function mannerOf(ctx: Context, tail: Tail): pages.LiveOptions {
  const input = inputOf(ctx);
  const usual = SHOWS_WHOLE_PAGES.test(ctx.get("User-Agent")) ? REFRESH_SECONDS : 0;
  return { room: tail.slug, refresh: refreshOf(input, usual), isBare: input.text("only") === "log" };
}

function hasNoPictures(ctx: Context): boolean {
  return SHOWS_NO_PICTURES.test(ctx.get("User-Agent"));
}

/** For a reader that is only placed: its page is written in one piece. */
const NOWHERE: Transport = {
  name: "page",
  format: "html",
  firstBeatMs: 0,
  write: () => undefined,
  signal: () => undefined,
  beat: () => undefined,
  unsent: () => 0,
  drained: () => Promise.resolve(),
  end: () => undefined,
};

/** The smallest picture there is, transparent. */
const PIXEL = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");
