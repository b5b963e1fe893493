import type { Context } from "koa";
import { isDatabaseAway } from "../../db/pool/connect.ts";
import { PING_MS, PROTOCOL_VERSION, STREAM_BYTES_MAX, STREAM_BYTES_MIN } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { joinReader, placeReader } from "../delivery/join.ts";
import { Reader } from "../delivery/reader.ts";
import { retryMs } from "../delivery/retry.ts";
import type { Tail } from "../delivery/tail.ts";
import { setDocumentHeaders } from "../guard/headers.ts";
import { frameCallback } from "../http/callback.ts";
import { findRooms, respelled } from "../http/find-room.ts";
import { type Input, inputOf, nonceOf } from "../http/input.ts";
import { accountOf, visitorOf } from "../http/payer.ts";
import { byeOf, cursorsOf, memberIdOf, patienceMs, reasonToWait, removeIfGone, roomNames } from "../http/reading.ts";
import type { Route } from "../http/route.ts";
import { Refusal } from "../refusal.ts";
import type { Site } from "../site.ts";
import { stream } from "../streams/bytes.ts";
import { frame } from "../streams/iframe.ts";
import { sse } from "../streams/sse.ts";
import { busyAnswer, openEndless, type Way } from "../streams/stream.ts";
import { poll } from "./poll.ts";

/** The ways by which events reach a reader. */
export function eventRoutes(site: Site): Route[] {
  const reading = { api: true, auth: "optional", urlToken: true, tickets: true, cookie: "counts" } as const;
  const asSse = (ctx: Context) => endless(ctx, site, (input) => sse(isPadded(input)));
  const asBytes = (ctx: Context) => endless(ctx, site, (input) => stream(isPadded(input)));
  const asFrame = (ctx: Context) => endless(ctx, site, (input) => frame(frameCallback(input)));
  const asPoll = (ctx: Context) => poll(ctx, site);
  return [
    { method: "GET", path: PATHS.events, guards: reading, handle: asSse },
    { method: "GET", path: PATHS.stream, guards: reading, handle: asBytes },
    { method: "POST", path: PATHS.stream, guards: reading, handle: asBytes },
    // [IE] offers to save a frame's content if it is no page
    { method: "GET", path: PATHS.frame, guards: { ...reading, page: true }, handle: asFrame },
    { method: "GET", path: PATHS.poll, guards: { ...reading, jsonp: true }, handle: asPoll },
    { method: "POST", path: PATHS.poll, guards: reading, handle: asPoll },
  ];
}

function isPadded(input: Input): boolean {
  return input.text("pad") === "1";
}

/** What cannot be had now is answered 200, `bye` and the end: any other status ends an EventSource for good. */
async function endless(ctx: Context, site: Site, choose: (input: Input) => Way): Promise<void> {
  const input = inputOf(ctx);
  const way = choose(input);
  const n = nonceOf(input);
  const options = {
    pingMs: input.number("ping", { min: 2, max: 60 }, PING_MS / 1000) * 1000,
    isLate: input.text("late") === "1",
    patienceMs: patienceMs(site),
    maxBytes: input.number("max", { min: STREAM_BYTES_MIN, max: STREAM_BYTES_MAX }, way.maxBytes),
  };
  const names = roomNames(input);
  const bye = ctx.method === "HEAD" ? undefined : reasonToWait(ctx, site);
  const tails = bye || ctx.method === "HEAD" ? undefined : await findTails(site, names);
  ctx.status = 200;
  if (way.name === "frame") setDocumentHeaders(ctx);
  ctx.set(way.headers);
  if (ctx.method === "HEAD") return;
  const retry = retryMs(site.hub.readers.size);
  if (bye || tails === undefined) {
    ctx.body = busyAnswer(way, bye ?? { retry });
    return;
  }
  ctx.respond = false;
  let reader: Reader | undefined;
  let isOver = false;
  const transport = await openEndless(ctx.res, way, options, () => {
    isOver = true;
    if (reader) site.hub.remove(reader);
  });
  reader = new Reader(tails, transport, memberIdOf(ctx));
  reader.nonce = n;
  try {
    const isAdmitted = site.hub.admit(reader, visitorOf(ctx, site));
    removeIfGone(site, reader, ctx);
    // since it was asked for, the connection ended, or the others were sent away
    if (isOver || !isAdmitted || site.isDraining) {
      site.hub.sendAway(reader, isAdmitted ? { retry } : { retry, reason: "full" });
      return;
    }
    const resets = await placeReader(site.hub, reader, cursorsOf(ctx, input));
    const hello = { chattera: 1, protocol: PROTOCOL_VERSION, retry, ping: options.pingMs } as const;
    const place = { cursor: reader.cursor(), heads: reader.heads() };
    transport.signal(
      { name: "hello", data: { ...hello, ...place, ...respelled(names), ...(n === undefined ? {} : { n }) } },
      reader,
    );
    if (resets.length > 0) transport.signal({ name: "reset", data: resets }, reader);
    for (const { members } of tails) if (members) transport.signal({ name: "members", data: members }, reader);
    await joinReader(site.hub, reader, accountOf(ctx, site));
  } catch (error) {
    const tooMany = byeOf(error, retry);
    if (!tooMany) tellWhy(site, error);
    // It comes back with the cursor of the last event that it got, so it misses nothing.
    site.hub.sendAway(reader, tooMany ?? { retry });
  }
}

/** The rooms to read; `undefined` while the log is out of reach. */
async function findTails(site: Site, names: string[]): Promise<Tail[] | undefined> {
  return findRooms(site, names).catch((error) => unlessRefused(site, error));
}

/** What is wrong with the request is told; only a log out of reach is worth coming back for. */
function unlessRefused(site: Site, error: unknown): undefined {
  if (error instanceof Refusal) throw error;
  tellWhy(site, error);
}

/** A bug sends a stream away as a lost database does, for 500 would end it for good; but it is told as the bug it is. */
function tellWhy(site: Site, error: unknown): void {
  if (isDatabaseAway(error))
    site.logger.debug({ err: error }, "a stream could not be joined to the log; its client reconnects");
  else site.logger.error({ err: error }, "unexpected error: a stream could not be joined to the log");
}
