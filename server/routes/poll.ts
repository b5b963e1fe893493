import type { Context } from "koa";
import type { PollAnswer, ResetSignal } from "../../protocol/event.ts";
import { admit } from "../delivery/admit.ts";
import type { Reader } from "../delivery/reader.ts";
import { retryMs } from "../delivery/retry.ts";
import { type Tail, versionOf } from "../delivery/tail.ts";
import { answerBytes } from "../http/answer.ts";
import { findRooms, respelled } from "../http/find-room.ts";
import { firstsOf } from "../http/first-seen.ts";
import { inputOf } from "../http/input.ts";
import { payerOf } from "../http/payer.ts";
import { cursorsOf, requesterOf, roomNames, withInboxes } from "../http/reading.ts";
import { park } from "../http/stalls.ts";
import { openPoll, type Poll } from "../polls/poll.ts";
import { refuse } from "../refusal.ts";
import { pollRequest, roomPollRequest } from "../requests.ts";
import type { Site } from "../site.ts";

/**
 * How long a poll that must not wait may wait for this node's tails; a wake-up takes milliseconds.
 */
const CATCH_UP_MS = 2_000;

/**
 * Answers a poll. `inPath` are the rooms that the path names. Nothing is kept between two polls. On
 * a draining node a poll is answered at once, with a `bye`.
 */
export async function poll(ctx: Context, site: Site, inPath: string[]): Promise<void> {
  site.metrics.polls.whole += 1;
  const asked = inputOf(ctx).read(inPath.length === 0 ? pollRequest : roomPollRequest);
  const { n: nonce, wait: waitSeconds } = asked;
  const waitMs = ctx.method === "HEAD" ? 0 : waitSeconds * 1000;
  // [networks] Where kept-alive connections die unnoticed, the client asks for a connection for
  // each poll. One that is sent away needs another, since a balancer chooses a node for each.
  if (asked.once || site.sendsAway) ctx.set("Connection", "close");
  const payer = payerOf(ctx);
  site.limits.polls.take(payer);
  const names = roomNames(asked.room, inPath);
  const found = await findRooms(ctx, site, { names, act: "read" });
  const firsts = await firstsOf(ctx, site, found);
  const tails = await withInboxes(ctx, site, found);
  const versions = versionOf(tails);
  const cursors = cursorsOf(ctx, asked);
  const { rooms } = respelled(names);
  const requester = requesterOf(ctx, site);
  const answered = await awaitEvents(ctx, site, { ...requester, tails, firsts, cursors, nonce, rooms, waitMs });
  if (answered === undefined) return;
  ctx.set("X-Accel-Buffering", "no");
  answerBytes(ctx, answered.answer);
  // On the fast path, nobody asks what a newcomer may see.
  if (firsts !== undefined || rooms !== undefined || waitMs === 0 || ctx.state.isScript || ctx.method !== "GET") return;
  const { actor, visitor, browser } = requester;
  const { session } = ctx.state;
  const roomIds = answered.tails.map(({ id }: Tail) => id);
  const poller = { roomIds, versions, actor, payer, visitor, browser, session, waitMs };
  site.verifiedPolls?.remember(ctx, { cursors, nonce }, poller);
}

/** A poll of some rooms, after some cursors. */
export type Polling = ReturnType<typeof requesterOf> & {
  tails: Tail[];
  firsts?: number[] | undefined;
  cursors: string[];
  nonce?: string | undefined;
  rooms?: PollAnswer["rooms"];
  waitMs: number;
};

/**
 * Waits for the next events of a poll, and returns its answer and the rooms that it read;
 * `undefined` if the client is gone. Throws `no_place` and `unavailable`.
 */
export async function awaitEvents(
  ctx: Context,
  site: Site,
  polling: Polling,
): Promise<{ answer: Buffer; tails: Tail[] } | undefined> {
  const { waitMs, nonce, rooms } = polling;
  let opened: Poll | undefined;
  let over: (() => void) | undefined;
  const { bye, reader } = await admit(site.hub, {
    ...polling,
    nonce,
    open: (onOver) => {
      over = onOver;
      ctx.res.once("close", onOver);
      opened = openPoll({ waitMs: waitMs || CATCH_UP_MS, isFirst: waitMs === 0, nonce, rooms }, onOver);
      return opened.transport;
    },
    greet: (greeted, resets) => greet(site, greeted, resets),
    fail: (failed, error) => {
      site.hub.remove(failed);
      throw error;
    },
  });
  if (bye) throw refuse("no_place");
  if (!opened || !reader) return undefined;
  // It was sent away before it had a position to come back with.
  if (!reader.hasStarted && !ctx.res.destroyed) throw refuse(site.sendsAway ? "unavailable" : "no_place");
  if (waitMs === 0 && reader.isOpen && (await hasAll(site, reader))) reader.transport.heartbeat(reader);
  park(ctx);
  const answer = await opened.answer;
  // A stream of answers waits many times on one response.
  if (over !== undefined) ctx.res.off("close", over);
  return { answer, tails: reader.tails };
}

function greet(site: Site, reader: Reader, resets: ResetSignal[]): void {
  const { transport } = reader;
  reader.isUncounted = !site.presence.counts(reader);
  if (resets.length > 0) transport.signal({ name: "reset", data: resets }, reader);
  if (site.sendsAway) transport.signal({ name: "bye", data: { retry: retryMs(site.hub.readers.size) } }, reader);
}

/**
 * A poll that must not wait is answered from the log, which may be ahead of this node's tails for a
 * moment.
 */
async function hasAll({ hub }: Site, reader: Reader): Promise<boolean> {
  for (const tail of reader.tails) if ((await hub.rooms.bounds(tail)).head > reader.seqIn(tail)) return false;
  return true;
}
