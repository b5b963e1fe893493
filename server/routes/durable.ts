import { once } from "node:events";
import type { Context } from "koa";
import { formatCursorIn, parseCursor } from "../../protocol/cursor.ts";
import type { PollAnswer } from "../../protocol/event.ts";
import { POLL_WAIT_SECONDS } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { toJson } from "../delivery/frames.ts";
import type { Tail } from "../delivery/tail.ts";
import { expose } from "../guard/cors.ts";
import { roomOf } from "../http/find-room.ts";
import { firstSeenBy, firstsOf } from "../http/first-seen.ts";
import { assertStillUser } from "../http/identify.ts";
import { inputOf } from "../http/input.ts";
import { payerOf } from "../http/payer.ts";
import { reasonToRefuseStream, requesterOf } from "../http/reading.ts";
import type { Route } from "../http/route.ts";
import { refuse } from "../refusal.ts";
import { durableRequest } from "../requests.ts";
import type { Site } from "../site.ts";
import { SSE_HEADERS } from "../streams/kinds.ts";
import { awaitEvents } from "./poll.ts";

/** A stream ends after a minute, so that a balancer can lead its client elsewhere. */
const STREAM_MS = 60_000;
const HEARTBEAT_MS = 15_000;
/** About a megabyte of usual messages. */
const MOST_EVENTS = 5_000;
/** Stream-Cursor counts these since 2024-10-09, and only grows for each client. */
const INTERVAL_MS = 20_000;
const INTERVALS_SINCE = Date.UTC(2024, 9, 9);

/**
 * Returns the route by which a room is read as a Durable Stream in JSON mode [Durable Streams 1.0].
 * Its offsets are seqs of the log; everything else is a poll.
 */
export function durableRoutes(site: Site): Route[] {
  const guards = { api: true, auth: "optional", urlToken: true, tickets: true, cookie: "counts" } as const;
  return [{ method: "GET", path: PATHS.durable(":room"), guards, handle: (ctx) => read(ctx, site) }];
}

/** A room that is read as a Durable Stream. */
type DurableRead = { tail: Tail; live: string | undefined; cursor: string | undefined };

async function read(ctx: Context, site: Site): Promise<void> {
  const { live, offset } = inputOf(ctx).read(durableRequest);
  const tail = await roomOf(ctx, site, "read");
  const { head, oldest: kept } = await site.hub.rooms.bounds(tail);
  const oldest = Math.max(kept, await firstSeenBy(ctx, site, tail));
  if (ctx.method === "HEAD") {
    ctx.status = 200;
    ctx.type = "application/json";
    ctx.set("Stream-Next-Offset", offsetAt(site, head));
    return;
  }
  const cursor = cursorAt(site, tail, { offset: offset ?? "-1", oldest });
  if (live === "sse") await stream(ctx, site, { tail, live, cursor });
  else await answerOnce(ctx, site, { tail, live, cursor });
}

async function answerOnce(ctx: Context, site: Site, { tail, live, cursor }: DurableRead): Promise<void> {
  site.limits.polls.take(payerOf(ctx));
  const isCatchUp = live === undefined;
  let answer = await next(ctx, site, { tail, cursor, waitMs: isCatchUp ? 0 : POLL_WAIT_SECONDS * 1000 });
  // Its own client takes one answer for all that there is, if it is not to go on live.
  while (isCatchUp && answer && !answer.isUpToDate && answer.events.length < MOST_EVENTS) {
    const { events }: Next = answer;
    const more: Next | undefined = await next(ctx, site, { tail, cursor: answer.cursor, waitMs: 0 });
    answer = more && { ...more, events: [...events, ...more.events] };
  }
  if (answer === undefined) return;
  const events = isCatchUp && cursor === undefined ? [] : answer.events;
  ctx.set("Stream-Next-Offset", answer.offset);
  ctx.set("Stream-Cursor", intervalAfter(ctx));
  if (answer.isUpToDate) ctx.set("Stream-Up-To-Date", "true");
  expose(ctx, "Stream-Next-Offset, Stream-Cursor, Stream-Up-To-Date");
  if (!isCatchUp && events.length === 0) ctx.status = 204;
  else {
    ctx.type = "application/json; charset=utf-8";
    ctx.body = toJson(events);
  }
}

/** Writes one answer after the other, as an event `data` and an event `control` each. */
async function stream(ctx: Context, site: Site, { tail, cursor }: DurableRead): Promise<void> {
  const until = performance.now() + STREAM_MS;
  const interval = intervalAfter(ctx);
  if (reasonToRefuseStream(ctx, site)) throw refuse("no_place");
  const first = await next(ctx, site, { tail, cursor, waitMs: 0 });
  const { res } = ctx;
  ctx.respond = false;
  ctx.set(SSE_HEADERS);
  ctx.status = 200;
  res.writeHead(200);
  for (let answer = first; answer !== undefined && !res.destroyed; ) {
    const { events, offset, isUpToDate, isOver } = answer;
    const control = { streamNextOffset: offset, streamCursor: interval, ...(isUpToDate && { upToDate: true }) };
    const data = events.length === 0 ? "" : `event: data\ndata: ${toJson(events)}\n\n`;
    if (!res.write(`${data}event: control\ndata: ${toJson(control)}\n\n`))
      await once(res, "drain").catch(() => undefined);
    if (isOver || performance.now() > until) break;
    const { cursor: after } = answer;
    // The room may have been closed to this reader meanwhile. Any failure ends the stream, and its
    // client learns why when it comes back.
    answer = await assertStillUser(ctx, site)
      .then(() => roomOf(ctx, site, "read"))
      .then(() => next(ctx, site, { tail, cursor: after, waitMs: HEARTBEAT_MS }))
      .catch(() => undefined);
  }
  res.end();
}

type Next = Pick<PollAnswer, "events" | "cursor"> & { offset: string; isUpToDate: boolean; isOver: boolean };

/** Reads what follows. Throws `gone` if the log cannot be continued from there. */
async function next(
  ctx: Context,
  site: Site,
  { tail, cursor, waitMs }: { tail: Tail; cursor: string | undefined; waitMs: number },
): Promise<Next | undefined> {
  const cursors = cursor === undefined ? [] : [cursor];
  // Whispers are not in the room's log.
  const requester = { ...requesterOf(ctx, site), readsWhispers: false };
  const answered = await awaitEvents(ctx, site, {
    ...requester,
    tails: [tail],
    firsts: await firstsOf(ctx, site, [tail]),
    cursors,
    waitMs,
  });
  if (answered === undefined) return undefined;
  const { events, signals, reset, cursor: behind } = JSON.parse(answered.answer.toString()) as PollAnswer;
  if (reset !== undefined) throw refuse("gone");
  const seq = parseCursor(behind)?.seqs.get(tail.id) ?? 0;
  const isUpToDate = seq >= Math.max(tail.sent, (await site.hub.rooms.bounds(tail)).head);
  const isOver = signals.some(({ signal }) => signal === "bye");
  return { events, cursor: behind, offset: offsetAt(site, seq), isUpToDate, isOver };
}

/** Offsets of one log compare as texts, so the seq has a fixed number of digits. */
function offsetAt({ log }: Site, seq: number): string {
  return `${log.epoch}_${String(seq).padStart(16, "0")}`;
}

/** Returns the cursor of an offset; `undefined` for "now". Throws `malformed`. */
function cursorAt(
  { log }: Site,
  tail: Tail,
  { offset, oldest }: { offset: string; oldest: number },
): string | undefined {
  if (offset === "now") return undefined;
  const [, epoch, digits] = /^([a-z0-9]{1,8})_(\d{16})$/.exec(offset) ?? [];
  if (offset !== "-1" && (epoch === undefined || !Number.isSafeInteger(Number(digits))))
    throw refuse("malformed", "offset: -1, now, or one that an answer had");
  const position = { room: tail.id, seq: offset === "-1" ? oldest - 1 : Number(digits), sum: undefined };
  return formatCursorIn(epoch ?? log.epoch, position);
}

/** Returns the number of the current interval, or a larger one than the client has sent. */
function intervalAfter(ctx: Context): string {
  const { cursor = "" } = inputOf(ctx).read(durableRequest);
  const current = Math.floor((Date.now() - INTERVALS_SINCE) / INTERVAL_MS);
  const sent = Number(/^\d{1,12}$/.exec(cursor)?.[0] ?? -1);
  return String(Math.max(current, sent >= current ? sent + 1 + Math.floor(Math.random() * 180) : 0));
}
