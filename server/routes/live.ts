import { randomUUID } from "node:crypto";
import type { Context } from "koa";
import { isPresent } from "../../db/log/members.ts";
import { readTalk } from "../../db/log/read.ts";
import { readWhispers } from "../../db/log/whispers.ts";
import { isDatabaseAway } from "../../db/pool/connect.ts";
import { sumOf } from "../../protocol/cursor.ts";
import type { ByeSignal, ResetReason, RoomEvent } from "../../protocol/event.ts";
import { HISTORY_MESSAGES, NONCE, PAGE_EVENTS } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { admit } from "../delivery/admit.ts";
import { type ReaderStart, startOf } from "../delivery/positions.ts";
import { roomSignalOf } from "../delivery/room-now.ts";
import { cursorOf, type Tail } from "../delivery/tail.ts";
import { networksOf } from "../guard/address.ts";
import { setDocumentHeaders } from "../guard/headers.ts";
import { browserOf } from "../http/browser.ts";
import { roomOf } from "../http/find-room.ts";
import { cutBefore, firstSeenBy, firstsOf } from "../http/first-seen.ts";
import { addPathParams, inputOf } from "../http/input.ts";
import { logChoiceOf } from "../http/log-choice.ts";
import { pageLayout } from "../http/page-layout.ts";
import { accountOf, payerOf } from "../http/payer.ts";
import {
  failStream,
  isOwnServer,
  memberIdOf,
  patienceMs,
  reasonToRefuseStream,
  requesterOf,
  withInboxes,
} from "../http/reading.ts";
import type { Route } from "../http/route.ts";
import * as pages from "../pages/live.ts";
import { renderRefused } from "../pages/refused.ts";
import { withWhispers } from "../pages/whispers.ts";
import { REFUSALS, Refusal, refuse } from "../refusal.ts";
import type { Site } from "../site.ts";
import { beginHtmlStream, HTML_STREAM_HEADERS, type HtmlMarkup, type HtmlStream } from "../streams/html-stream.ts";
import { confirmStream } from "./here.ts";
import { chooseLanguage, chooseLogView, peopleSeenBy, refreshOf, showPage } from "./pages.ts";

/** The seconds between two pages where the request does not say. */
const REFRESH_SECONDS = 10;

/**
 * These browsers show a page only when it is whole, and would never show a page that grows. Nothing
 * but their names in the request distinguishes them from the others.
 */
const SHOWS_WHOLE_PAGES = /^(w3m|Lynx|edbrowse)\b/i;

/**
 * These browsers show a page as it grows, but fetch no pictures from which the server could learn
 * that.
 */
const SHOWS_NO_PICTURES = /^E?Links\b/i;

/**
 * They stay at the top of a page: on a screen of 24 lines, this leaves room for new messages below
 * either form.
 */
const LINES_BELOW_SAYING = 8;
const LINES_BELOW_ENTERING = 2;

/**
 * Marks a browser to which pages arrive while they grow. Forgotten soon: it may move to another
 * network.
 */
const ARRIVES_COOKIE = "arrives";
const ARRIVES_MS = 15 * 60_000;

/**
 * A browser fetches the sign of a page that grows at once. If it comes later than this, the page
 * was held back.
 */
const SIGN_MS = 5_000;

/** The pages that grow now, by the id in the address of their sign. */
type GrowingPages = Map<string, HtmlStream>;

/**
 * A request for a live page, and where its reader starts in its `logs`: the room, and the reader's
 * inbox there if it has one.
 */
type LiveRequest = {
  ctx: Context;
  site: Site;
  tail: Tail;
  logs: Tail[];
  options: pages.LiveOptions;
  start: ReaderStart;
};

/** Returns the routes of a room's log as a page that goes on without script. */
export function liveRoutes(site: Site): Route[] {
  const growing: GrowingPages = new Map();
  return [
    {
      method: "GET",
      path: [PATHS.live(":room"), `${PATHS.live(":room")}/refresh=:refresh{/after=:after}`],
      guards: { page: true, auth: "token", cookie: "counts" },
      handle: (ctx) => showLive(ctx, site, growing),
    },
    {
      method: "GET",
      path: PATHS.liveSign(":room"),
      guards: { auth: "none", cookie: "never" },
      handle: (ctx) => answerSign(ctx, site, growing),
    },
  ];
}

async function showLive(ctx: Context, site: Site, growing: GrowingPages): Promise<void> {
  if (chooseLanguage(ctx) || chooseLogView(ctx)) return;
  const { room: _room, ...inPath } = ctx.params;
  addPathParams(ctx, inPath);
  try {
    site.limits.reads.take(payerOf(ctx));
    const tail = await roomOf(ctx, site, "read");
    const options = liveOptionsOf(ctx, tail);
    const after = inputOf(ctx).texts("after");
    // The first page of a frame is whole: the page around it is loaded then, and shows a log on
    // whatever network.
    const isFirst = options.refresh === 0 && options.isBare && after.length === 0;
    const grows = options.refresh === 0 && !isFirst;
    const isBusy = grows && reasonToRefuseStream(ctx, site) !== undefined;
    const firsts = await firstsOf(ctx, site, [tail]);
    const logs = await withInboxes(ctx, site, [tail]);
    const start = await startOf(site.hub.rooms, logs, { cursors: after, firsts });
    const request = { ctx, site, tail, logs, options, start };
    if (grows && !isBusy) await grow(request, growing);
    else await renew(request, { isBusy, isFirst });
  } catch (error) {
    showRefusal(ctx, site, isDatabaseAway(error) ? refuse("unavailable") : error);
  }
}

function answerSign(ctx: Context, site: Site, growing: GrowingPages): void {
  const input = inputOf(ctx);
  const page = input.text("page");
  if (page !== undefined && NONCE.test(page)) confirmStream(ctx, site, page);
  const isInTime = Math.abs(Date.now() - input.number("at", { min: 0, max: Number.MAX_SAFE_INTEGER }, 0)) < SIGN_MS;
  if (isInTime) growing.get(page ?? "")?.noteArrival();
  if (isInTime) setArrivesCookie(ctx);
  ctx.type = "image/gif";
  ctx.body = PIXEL;
}

/** Answers with a whole page: the messages after the reader's cursor, and the lines above them. */
async function renew(request: LiveRequest, { isBusy, isFirst }: { isBusy: boolean; isFirst: boolean }): Promise<void> {
  const { ctx, site, tail, logs, options, start } = request;
  const { seq, reset } = startIn(request);
  if (reset) site.hub.countReset(reset);
  const { network } = accountOf(ctx, site);
  const news = await site.hub.rooms.readPage(tail, seq, network);
  const [, inbox] = logs;
  const whispers = inbox === undefined ? [] : await site.hub.rooms.readPage(inbox, start.seqs[1] as number, network);
  const isTorn = news[0] !== undefined && news[0].seq !== seq + 1;
  const view = await viewOf(request);
  // While more events wait, and after the first page of a frame, the next page is fetched at once.
  const isSoon = isBehind(tail, seq, news) || whispers.length === PAGE_EVENTS || (isFirst && !isBusy);
  const seconds = isSoon ? 1 : options.refresh || REFRESH_SECONDS;
  const cursor = cursorAfter(request, [news.at(-1), whispers.at(-1)]);
  const page = { ...view, events: withWhispers(news, whispers), cursor, seconds, isBusy };
  showPage(ctx, pages.renderRefreshing(pageLayout(ctx, site), isTorn ? { ...page, reset: "pruned" } : page));
}

/** Returns the cursor behind the last events of a page, in the order of the request's logs. */
function cursorAfter({ logs, start }: LiveRequest, last: (RoomEvent | undefined)[]): string {
  const seqs = logs.map((_, n) => last[n]?.seq ?? (start.seqs[n] as number));
  const sums = logs.map((_, n) => {
    const event = last[n];
    return event === undefined ? start.sums[n] : sumOf(event);
  });
  return cursorOf(logs, seqs, sums);
}

/**
 * Answers with a page that grows; if the node is full or draining by then, with one that ends at
 * once.
 */
async function grow(request: LiveRequest, growing: GrowingPages): Promise<void> {
  const { ctx, site, logs, start } = request;
  if (ctx.method === "HEAD") {
    ctx.status = 200;
    setGrowingHeaders(ctx);
    return;
  }
  const id = randomUUID();
  const markup = markupOf(request, id, await viewOf(request));
  setGrowingHeaders(ctx);
  ctx.vary("Cookie");
  const { bye } = await admit(site.hub, {
    ...requesterOf(ctx, site),
    tails: logs,
    cursors: [],
    start,
    nonce: id,
    isDraining: site.sendsAway,
    open: (onOver) => {
      ctx.respond = false;
      const stream = beginHtmlStream(ctx.res, {
        markup,
        arrives: hasNoPictures(ctx) || ctx.cookies.get(ARRIVES_COOKIE) !== undefined,
        patienceMs: patienceMs(site),
        isOwnServer: isOwnServer(site),
        onOver: () => {
          growing.delete(id);
          onOver();
        },
      });
      growing.set(id, stream);
      return stream;
    },
    fail: (reader, error) => failStream(site, reader, error),
  });
  if (bye) ctx.body = markup.opening + markup.ending(cursorOf(logs, start.seqs, start.sums), secondsOf(bye));
}

function secondsOf(bye: ByeSignal): number {
  return Math.ceil(bye.retry / 1000);
}

function markupOf({ ctx, site, options }: LiveRequest, id: string, view: pages.LiveView): HtmlMarkup {
  const layout = pageLayout(ctx, site);
  // Where no pictures are fetched, a sign would be an empty line, and a link to continue a line
  // that moves all others.
  const isText = hasNoPictures(ctx);
  const address = () => `${PATHS.liveSign(options.room)};page=${id};at=${Date.now()}`;
  return {
    language: layout.language,
    opening: pages.renderGrowing(layout, view),
    last: view.context.at(-1),
    lines: (events, previous) => pages.growingLines(layout, events, previous),
    gap: () => pages.growingGap(layout),
    staleness: (isStale) => pages.growingStaleness(layout, isStale),
    sign: () => (isText ? "\n" : pages.growingSign(layout, address())),
    ping: (cursor) => (isText ? "\n" : pages.growingPing(layout, options, cursor)),
    ending: (cursor, seconds) => pages.growingEnd(layout, { options, cursor, seconds }),
  };
}

async function viewOf(request: LiveRequest): Promise<pages.LiveView> {
  const { ctx, site, tail, logs, options, start } = request;
  const { seq, reset } = startIn(request);
  const memberId = memberIdOf(ctx);
  const membership = { roomId: tail.id, memberId: memberId ?? "" };
  const present = memberId !== undefined && (await isPresent(site.db, membership));
  // Nothing comes from this page until its next renewal.
  if (present) site.presence.noteSeen(membership, options.refresh * 1000);
  else noteRefreshing(request);
  const { members, memberCount, visitors } = await peopleSeenBy(ctx, site, { tail, present });
  const isAtTop = options.refresh === 0 && hasNoPictures(ctx);
  const messages = isAtTop
    ? present
      ? LINES_BELOW_SAYING
      : LINES_BELOW_ENTERING
    : logChoiceOf(ctx).lines || HISTORY_MESSAGES;
  const read = await readTalk(site.db, { roomId: tail.id, before: seq + 1, messages });
  const talk = cutBefore(read, await firstSeenBy(ctx, site, tail));
  const above = isAtTop ? talk.events.slice(-messages) : talk.events;
  const context = withWhispers(above, await whispersAbove(request, above));
  return {
    options,
    title: tail.title,
    now: roomSignalOf(tail.room),
    allowsSilence: tail.allowsSilence,
    context,
    skipped: isAtTop ? [] : talk.skipped,
    events: [],
    cursor: cursorOf(logs, start.seqs, start.sums),
    seconds: 0,
    isBusy: false,
    reset,
    figures: { members: memberCount, visitors },
    members,
    present,
    clientId: randomUUID(),
  };
}

/** Returns the whispers up to the reader's position that belong to the events above it. */
async function whispersAbove({ site, logs, start }: LiveRequest, above: RoomEvent[]): Promise<RoomEvent[]> {
  const [, inbox] = logs;
  if (inbox === undefined) return [];
  const from = above[0] !== undefined && above[0].seq > 1 ? above[0].at : undefined;
  const before = (start.seqs[1] as number) + 1;
  return readWhispers(site.db, { inboxId: inbox.id, before, from, limit: HISTORY_MESSAGES });
}

/** A visitor's page that reloads itself has no connection that could be counted until then. */
function noteRefreshing({ ctx, site, tail, options }: LiveRequest): void {
  const browser = browserOf(ctx, site);
  const forMs = (options.refresh + PAGE_LOADS_SECONDS) * 1000;
  const network = networksOf(ctx.state.address)[0];
  if (browser !== undefined && options.refresh > 0) site.presence.noteWatching(tail.id, browser, { forMs, network });
}

/** A page of the slowest line takes this long. */
const PAGE_LOADS_SECONDS = 10;

function startIn({ start: { seqs, resets } }: LiveRequest): { seq: number; reset: ResetReason | undefined } {
  return { seq: seqs[0] as number, reset: resets[0]?.reason };
}

/**
 * Returns whether the next page should come soon. After a full page, events may wait that this node
 * does not know of.
 */
function isBehind(tail: Tail, start: number, news: RoomEvent[]): boolean {
  return news.length === PAGE_EVENTS || tail.head > (news.at(-1)?.seq ?? start);
}

function setGrowingHeaders(ctx: Context): void {
  setDocumentHeaders(ctx);
  ctx.set(HTML_STREAM_HEADERS);
  if (ctx.req.httpVersionMajor === 1) ctx.set("Connection", "close");
}

function setArrivesCookie(ctx: Context): void {
  const path = ctx.state.base || "/";
  ctx.cookies.set(ARRIVES_COOKIE, "1", { path, httpOnly: true, sameSite: "lax", maxAge: ARRIVES_MS });
}

/**
 * Without a refresh of its own, the page would still show the refusal hours after the database is
 * back.
 */
function showRefusal(ctx: Context, site: Site, refusal: unknown): void {
  if (!(refusal instanceof Refusal) || refusal.retrySeconds === undefined) throw refusal;
  const { code, wording, retrySeconds } = refusal;
  const { status } = REFUSALS[code];
  ctx.status = status;
  ctx.set("Retry-After", String(retrySeconds));
  const refreshSeconds = Math.max(retrySeconds, REFRESH_SECONDS);
  showPage(ctx, renderRefused(pageLayout(ctx, site), { status, code, wording, retrySeconds, refreshSeconds }));
}

/**
 * Reads `?refresh=10`: 5 s to 5 min, or 0, the default, for a page that grows. Throws `malformed`.
 */
function liveOptionsOf(ctx: Context, tail: Tail): pages.LiveOptions {
  const input = inputOf(ctx);
  const usual = SHOWS_WHOLE_PAGES.test(ctx.get("User-Agent")) ? REFRESH_SECONDS : 0;
  return { room: tail.slug, refresh: refreshOf(input, usual), isBare: input.text("only") === "log" };
}

function hasNoPictures(ctx: Context): boolean {
  return SHOWS_NO_PICTURES.test(ctx.get("User-Agent"));
}

/** The smallest possible picture, transparent. */
const PIXEL = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");
