import type { Context } from "koa";
import { POLL_WAIT_MAX_SECONDS, POLL_WAIT_SECONDS } from "../../protocol/limits.ts";
import { type Account, joinReader, placeAtOnce, placeReader } from "../delivery/join.ts";
import type { Visitor } from "../delivery/places.ts";
import { Reader } from "../delivery/reader.ts";
import { retryMs } from "../delivery/retry.ts";
import type { Tail } from "../delivery/tail.ts";
import type { Payer } from "../guard/rate-limit.ts";
import { refuse } from "../refusal.ts";
import type { Site } from "../site.ts";
import { park } from "../stalls.ts";
import { openPoll } from "../transports/long-poll.ts";
import { keepPolling, type LanePolls } from "../transports/poll-lane.ts";
import { answerBytes } from "./answer.ts";
import { findRooms, respelled } from "./find-room.ts";
import { type Input, inputOf, nonceOf } from "./input.ts";
import { accountOf, payerOf, visitorOf } from "./payer.ts";
import { cursorsOf, memberIdOf, removeIfGone, roomNames } from "./reading.ts";

/** How long a poll that would not wait may wait for this node's tails; a wake-up takes milliseconds. */
const CATCH_UP_MS = 2_000;

/** Nothing is kept between polls; a poll that finds the node going is answered at once and told so. */
export async function poll(ctx: Context, site: Site): Promise<void> {
  const input = inputOf(ctx);
  const nonce = nonceOf(input);
  const waitSeconds = input.number("wait", 0, POLL_WAIT_MAX_SECONDS, POLL_WAIT_SECONDS);
  const waitMs = ctx.method === "HEAD" ? 0 : waitSeconds * 1000;
  // [networks] where kept-alive connections die unseen, each poll brings its own
  if (input.text("once") === "1") ctx.set("Connection", "close");
  const payer = payerOf(ctx);
  const visitor = visitorOf(ctx, site);
  const account = accountOf(ctx, site);
  site.limits.polls.take(payer);
  const names = roomNames(input);
  const tails = await findRooms(site, names);
  const { rooms } = respelled(names);
  const remove = () => site.hub.remove(reader);
  const { transport, answer } = openPoll({ waitMs: waitMs || CATCH_UP_MS, nonce, rooms }, remove);
  const reader = new Reader(tails, transport, memberIdOf(ctx));
  ctx.res.once("close", remove);
  try {
    if (!site.hub.admit(reader, visitor)) throw refuse("no_place");
    removeIfGone(site, reader, ctx);
    const resets = await placeReader(site.hub, reader, cursorsOf(ctx, input));
    // sent away before it had a position to come back with
    if (!reader.isOpen && !ctx.res.destroyed) throw refuse(site.isDraining ? "unavailable" : "no_place");
    if (resets.length > 0) transport.signal({ name: "reset", data: resets }, reader);
    if (site.isDraining) transport.signal({ name: "bye", data: { retry: retryMs(site.hub.readers.size) } }, reader);
    await joinReader(site.hub, reader, account);
    if (waitMs === 0 && reader.isOpen && (await hasAll(site, reader))) transport.beat(reader);
  } catch (error) {
    remove();
    throw error;
  }
  ctx.set("X-Accel-Buffering", "no");
  park(ctx);
  answerBytes(ctx, await answer);
  if (site.keepsPollers && rooms === undefined && ctx.method === "GET" && waitMs > 0 && isPlain(ctx, input))
    keepPolling(ctx.res, lanePolls(site, tails, { payer, visitor, account, waitMs }));
}

/** Not as a script, whose answer is another, and where connections may be kept. */
function isPlain(ctx: Context, input: Input): boolean {
  return ctx.status === 200 && input.text("callback") === undefined && input.text("once") !== "1";
}

type Poller = { payer: Payer; visitor: Visitor; account: Account; waitMs: number };

/** The polls that follow, for the same member in the same rooms. */
function lanePolls(site: Site, tails: Tail[], { payer, visitor, account, waitMs }: Poller): LanePolls {
  const { hub, limits } = site;
  return {
    waitMs,
    place: (cursor, transport) => {
      if (site.isDraining) return undefined;
      const reader = new Reader(tails, transport, payer.member);
      return placeAtOnce(hub, reader, cursor) && limits.polls.allows(payer) ? reader : undefined;
    },
    join: (reader) => {
      hub.add(reader);
      void joinReader(hub, reader, account);
      // answered at once, and so asked for again at once
      if (!reader.isOpen) limits.polls.take(payer);
    },
    remove: hub.remove,
    isOpen: () => hub.places.isOpenTo(visitor),
    takePlace: (connection) => hub.places.take(connection, visitor),
    freePlace: hub.places.free,
  };
}

/** Who would not wait is answered from the log, which may be a moment ahead of this node's tails: then they catch up first. */
async function hasAll(site: Site, reader: Reader): Promise<boolean> {
  for (const tail of reader.tails) if ((await site.hub.bounds(tail)).head > reader.seqIn(tail)) return false;
  return true;
}
