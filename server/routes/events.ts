import Router from "@koa/router";
import type { Context } from "koa";
import { isDatabaseAway } from "../../db/connect.ts";
import {
  PING_MS,
  POLL_WAIT_MAX_SECONDS,
  POLL_WAIT_SECONDS,
  PROTOCOL_VERSION,
  ROOMS_PER_READER,
} from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { joinReader, placeReader } from "../delivery/join.ts";
import { Reader } from "../delivery/reader.ts";
import type { Session } from "../guard/session.ts";
import { Refusal, refuse } from "../refusal.ts";
import type { Site } from "../site.ts";
import { openPoll } from "../transports/long-poll.ts";
import { busyFrame, openSse, SSE_HEADERS } from "../transports/sse.ts";
import { answerBytes } from "./answer.ts";
import { findRooms } from "./find-room.ts";
import { type Input, inputOf, nonceOf } from "./input.ts";

/** The ways by which events reach a reader. */
export function eventRoutes(site: Site): Router {
  const router = new Router();
  router.get(PATHS.events, (ctx) => stream(ctx, site));
  router.get(PATHS.poll, (ctx) => poll(ctx, site));
  router.post(PATHS.poll, (ctx) => poll(ctx, site));
  return router;
}

/** A stream that cannot be had now is answered 200, `retry` and the end: any other status ends an EventSource for good. */
async function stream(ctx: Context, site: Site): Promise<void> {
  const input = inputOf(ctx);
  const nonce = nonceOf(input);
  const names = roomNames(input);
  const pingMs = input.number("ping", 2, 60, PING_MS / 1000) * 1000;
  ctx.status = 200;
  ctx.set(SSE_HEADERS);
  if (ctx.method === "HEAD") return;
  const retry = retryMs(site.hub.readers.size);
  const isFull = site.isDraining || site.hub.readers.size >= site.config.readersMax;
  const tails = isFull ? undefined : await findRooms(site, names).catch((error) => unlessRefused(site, error));
  if (tails === undefined) {
    ctx.body = busyFrame(retry);
    return;
  }
  ctx.respond = false;
  let reader: Reader | undefined;
  const transport = await openSse(ctx.res, { pingMs, isPadded: input.text("pad") === "1" }, () => {
    if (reader) site.hub.remove(reader);
  });
  reader = new Reader(tails, transport, memberIdOf(ctx));
  try {
    site.hub.add(reader);
    removeIfGone(site, reader, ctx);
    const resets = await placeReader(site.hub, reader, cursorsOf(ctx, input));
    const hello = { chattera: 1, protocol: PROTOCOL_VERSION, retry, ping: pingMs } as const;
    const place = { cursor: reader.cursor(), heads: reader.heads() };
    transport.signal(
      { name: "hello", data: { ...hello, ...place, ...(nonce === undefined ? {} : { n: nonce }) } },
      reader,
    );
    if (resets.length > 0) transport.signal({ name: "reset", data: resets }, reader);
    for (const { members } of tails) if (members) transport.signal({ name: "members", data: members }, reader);
    await joinReader(site.hub, reader);
  } catch (error) {
    tellWhy(site, error);
    transport.signal({ name: "bye", data: { retry } }, reader);
    site.hub.remove(reader);
  }
}

/** Who went while its room was looked up has had its close before anybody listened, and there is no other. */
function removeIfGone(site: Site, reader: Reader, ctx: Context): void {
  if (ctx.res.destroyed) site.hub.remove(reader);
}

/** Nothing is kept between polls; a poll that finds the node going is answered at once and told so. */
async function poll(ctx: Context, site: Site): Promise<void> {
  const input = inputOf(ctx);
  const nonce = nonceOf(input);
  const waitSeconds = input.number("wait", 0, POLL_WAIT_MAX_SECONDS, POLL_WAIT_SECONDS);
  const waitMs = ctx.method === "HEAD" ? 0 : waitSeconds * 1000;
  const tails = await findRooms(site, roomNames(input));
  if (site.hub.readers.size >= site.config.readersMax) throw refuse("unavailable");
  const remove = () => site.hub.remove(reader);
  const { transport, answer } = openPoll({ waitMs: waitMs || CATCH_UP_MS, nonce }, remove);
  const reader = new Reader(tails, transport, memberIdOf(ctx));
  ctx.res.once("close", remove);
  try {
    site.hub.add(reader);
    removeIfGone(site, reader, ctx);
    const resets = await placeReader(site.hub, reader, cursorsOf(ctx, input));
    if (resets.length > 0) transport.signal({ name: "reset", data: resets }, reader);
    if (site.isDraining) transport.signal({ name: "bye", data: { retry: retryMs(site.hub.readers.size) } }, reader);
    await joinReader(site.hub, reader);
    if (waitMs === 0 && reader.isOpen && (await hasAll(site, reader))) transport.beat(reader);
  } catch (error) {
    remove();
    throw error;
  }
  ctx.set("X-Accel-Buffering", "no");
  answerBytes(ctx, await answer);
}

/** Who would not wait is answered from the log, which may be a moment ahead of this node's tails: then they catch up first. */
async function hasAll(site: Site, reader: Reader): Promise<boolean> {
  for (const tail of reader.tails) if ((await site.hub.bounds(tail)).head > reader.seqIn(tail)) return false;
  return true;
}

/** How long a poll that would not wait may wait for that; a wake-up takes milliseconds. */
const CATCH_UP_MS = 2_000;

/** A second to three for one reader; a crowd is spread over 5 ms a head, so that 1000 come back within 5 s. */
export function retryMs(crowd: number): number {
  return Math.round(1000 + Math.random() * Math.max(2000, crowd * 5));
}

function roomNames(input: Input): string[] {
  const names = [...new Set(input.texts("room"))];
  if (names.length < 1 || names.length > ROOMS_PER_READER)
    throw refuse("malformed", `room: one to ${ROOMS_PER_READER} of them`);
  return names;
}

/** [Yaffle lastEventId, older polyfills evs_last_event_id] All the places where a cursor may stand; the farthest counts. */
function cursorsOf(ctx: Context, input: Input): string[] {
  const header = ctx.get("Last-Event-ID");
  const given = [...input.texts("after"), ...input.texts("lastEventId"), ...input.texts("evs_last_event_id")];
  return header === "" ? given : [...given, header];
}

function memberIdOf(ctx: Context): string | undefined {
  const session: Session | undefined = ctx.state.session;
  return session?.member.id;
}

/** What is wrong with the request is told; only a log out of reach is worth coming back for. */
function unlessRefused(site: Site, error: unknown): undefined {
  if (error instanceof Refusal) throw error;
  tellWhy(site, error);
}

/** A bug sends a stream away as a lost database does, for 500 would end it for good; but it is told as the bug it is. */
function tellWhy(site: Site, error: unknown): void {
  if (isDatabaseAway(error))
    site.logger.debug({ err: error }, "a stream could not be joined to the log; it comes back");
  else site.logger.error({ err: error }, "a bug: a stream could not be joined to the log; it comes back");
}
