import type { Context } from "koa";
import type { z } from "zod";
import type { HelloSignal, ResetSignal } from "../../protocol/event.ts";
import { PROTOCOL_VERSION } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { admit, type ReadingRequest } from "../delivery/admit.ts";
import type { Reader } from "../delivery/reader.ts";
import { retryMs } from "../delivery/retry.ts";
import { setDocumentHeaders } from "../guard/headers.ts";
import { findRooms, respelled, roomName } from "../http/find-room.ts";
import { firstsOf } from "../http/first-seen.ts";
import { inputOf } from "../http/input.ts";
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
import { frameRequest, streamRequest } from "../requests.ts";
import type { Site } from "../site.ts";
import { bytes, iframe, type StreamKind, sse } from "../streams/kinds.ts";
import { beginStream, busyAnswer, type StreamSettings } from "../streams/stream.ts";
import { poll } from "./poll.ts";

/** Returns the routes of all streams and of polls. */
export function eventRoutes(site: Site): Route[] {
  const reading = { api: true, auth: "optional", urlToken: true, tickets: true, cookie: "counts" } as const;
  const streaming = { ...reading, saysBye: true } as const;
  const asSse = (ctx: Context) => stream(ctx, site, sse(paddingOf(ctx)));
  const asBytes = (ctx: Context) => stream(ctx, site, bytes(paddingOf(ctx)));
  const asFrame = (ctx: Context) => stream(ctx, site, iframe(inputOf(ctx).read(frameRequest).callback));
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
  return { isPadded: inputOf(ctx).read(streamRequest).pad };
}

/**
 * Answers with a stream. One that cannot be opened now is answered 200 as well, with `bye` and the
 * end; see busyAnswer.
 */
async function stream(ctx: Context, site: Site, kind: StreamKind): Promise<void> {
  const asked = inputOf(ctx).read(streamRequest);
  const { n: nonce } = asked;
  const options = optionsOf(asked, site, kind);
  const names = roomNames(asked.room);
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
    cursors: cursorsOf(ctx, asked),
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

type AskedStream = Pick<z.output<typeof streamRequest>, "ping" | "late" | "max">;

function optionsOf({ ping, late, max }: AskedStream, site: Site, kind: StreamKind): Omit<StreamSettings, "onOver"> {
  return {
    kind,
    pingMs: ping * 1000,
    isLate: late,
    maxBytes: max ?? kind.maxBytes,
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
