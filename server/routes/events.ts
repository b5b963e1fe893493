import type { Context } from "koa";
import type { HelloSignal, ResetSignal } from "../../protocol/event.ts";
import { PROTOCOL_VERSION } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { admit, type ReadingRequest } from "../delivery/admit.ts";
import type { Reader } from "../delivery/reader.ts";
import { retryMs } from "../delivery/retry.ts";
import { setDocumentHeaders } from "../guard/headers.ts";
import { frameCallback } from "../http/callback.ts";
import { findRooms, respelled, roomName } from "../http/find-room.ts";
import { firstsOf } from "../http/first-seen.ts";
import { type Input, inputOf, nonceOf } from "../http/input.ts";
import {
  cursorsOf,
  failStream,
  isOwnServer,
  logStreamFailure,
  patienceMs,
  reasonToRefuseStream,
  requesterOf,
  roomNames,
  withInboxes,
} from "../http/reading.ts";
import type { Route } from "../http/route.ts";
import { Refusal } from "../refusal.ts";
import type { Site } from "../site.ts";
import { bytes, iframe, type StreamKind, sse } from "../streams/kinds.ts";
import { beginStream, busyAnswer, type StreamSettings } from "../streams/stream.ts";
import { numberSchemas } from "../wire.ts";
import { poll } from "./poll.ts";

/** Returns the routes of all streams and of polls. */
export function eventRoutes(site: Site): Route[] {
  const reading = { api: true, auth: "optional", urlToken: true, tickets: true, cookie: "counts" } as const;
  const streaming = { ...reading, saysBye: true } as const;
  const asSse = (ctx: Context) => stream(ctx, site, sse(paddingOf(ctx)));
  const asBytes = (ctx: Context) => stream(ctx, site, bytes(paddingOf(ctx)));
  const asFrame = (ctx: Context) => stream(ctx, site, iframe(frameCallback(inputOf(ctx))));
  const asPoll = (ctx: Context) => poll(ctx, site, []);
  const since = (ctx: Context) => poll(ctx, site, [roomName(ctx)]);
  return [
    { method: "GET", path: PATHS.events, guards: streaming, handle: asSse },
    { method: "GET", path: PATHS.stream, guards: streaming, handle: asBytes },
    { method: "POST", path: PATHS.stream, guards: streaming, handle: asBytes },
    // [IE] A frame that is not a page is offered for download.
    { method: "GET", path: PATHS.frame, guards: { ...streaming, page: true }, handle: asFrame },
    { method: "GET", path: PATHS.poll, guards: { ...reading, jsonp: true }, handle: asPoll },
    { method: "POST", path: PATHS.poll, guards: reading, handle: asPoll },
    // For readers whose filter blocks the paths above.
    { method: "GET", path: PATHS.since(":room"), guards: reading, handle: since },
  ];
}

function paddingOf(ctx: Context): { isPadded: boolean } {
  return { isPadded: inputOf(ctx).text("pad") === "1" };
}

/**
 * Answers with a stream. One that cannot be opened now is answered 200 as well, with `bye` and the
 * end; see busyAnswer.
 */
async function stream(ctx: Context, site: Site, kind: StreamKind): Promise<void> {
  const input = inputOf(ctx);
  const nonce = nonceOf(input);
  const options = optionsOf(input, site, kind);
  const names = roomNames(input);
  const isHead = ctx.method === "HEAD";
  const refused = isHead ? undefined : reasonToRefuseStream(ctx, site);
  const found = refused || isHead ? undefined : await findTails(ctx, site, names);
  ctx.status = 200;
  if (kind.name === "frame") setDocumentHeaders(ctx);
  ctx.set(kind.headers);
  if (isHead) return;
  if (refused || found === undefined) {
    ctx.body = busyAnswer(kind, refused ?? { retry: retryMs(site.hub.readers.size) });
    return;
  }
  const { bye } = await admit(site.hub, {
    ...requesterOf(ctx, site),
    ...found,
    cursors: cursorsOf(ctx, input),
    nonce,
    isDraining: site.sendsAway,
    open: (onOver) => {
      ctx.respond = false;
      return beginStream(ctx.res, { ...options, onOver });
    },
    greet: (reader, resets) => {
      const pace = { retry: retryMs(site.hub.readers.size), ping: options.pingMs };
      const request = { ...respelled(names), ...(nonce === undefined ? {} : { n: nonce }) };
      reader.isUncounted = !site.presence.counts(reader);
      greet(reader, resets, { pace, request });
    },
    fail: (reader, error) => failStream(site, reader, error),
  });
  if (bye) ctx.body = busyAnswer(kind, bye);
}

function optionsOf(input: Input, site: Site, kind: StreamKind): Omit<StreamSettings, "onOver"> {
  return {
    kind,
    pingMs: input.whole("ping", numberSchemas.ping) * 1000,
    isLate: input.text("late") === "1",
    maxBytes: input.whole("max", numberSchemas.max) ?? kind.maxBytes,
    patienceMs: patienceMs(site),
    isOwnServer: isOwnServer(site),
  };
}

type Hello = { pace: Pick<HelloSignal, "retry" | "ping">; request: Pick<HelloSignal, "rooms" | "n"> };

function greet(reader: Reader, resets: ResetSignal[], { pace, request }: Hello): void {
  const { transport } = reader;
  const position = { cursor: reader.cursor(), heads: reader.heads() };
  const hello: HelloSignal = { chattera: 1, protocol: PROTOCOL_VERSION, ...pace, ...position, ...request };
  transport.signal({ name: "hello", data: hello }, reader);
  if (resets.length > 0) transport.signal({ name: "reset", data: resets }, reader);
  if (reader.isUncounted) return;
  for (const { members } of reader.tails) if (members) transport.signal({ name: "members", data: members }, reader);
}

/**
 * Returns the rooms and inboxes to read; `undefined` while the log is out of reach, which is worth
 * coming back for.
 */
async function findTails(
  ctx: Context,
  site: Site,
  names: string[],
): Promise<Pick<ReadingRequest, "tails" | "firsts"> | undefined> {
  try {
    const rooms = await findRooms(ctx, site, { names, act: "read" });
    const firsts = await firstsOf(ctx, site, rooms);
    return { tails: await withInboxes(ctx, site, rooms), firsts };
  } catch (error) {
    if (error instanceof Refusal && error.code !== "unavailable") throw error;
    logStreamFailure(site, error);
    return undefined;
  }
}
