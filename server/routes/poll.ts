import type { Context } from "koa";
import { POLL_WAIT_MAX_SECONDS, POLL_WAIT_SECONDS } from "../../protocol/limits.ts";
import { joinReader, placeReader } from "../delivery/join.ts";
import { Reader } from "../delivery/reader.ts";
import { retryMs } from "../delivery/retry.ts";
import { answerBytes } from "../http/answer.ts";
import { findRooms, respelled } from "../http/find-room.ts";
import { inputOf, nonceOf } from "../http/input.ts";
import { accountOf, payerOf, visitorOf } from "../http/payer.ts";
import { cursorsOf, memberIdOf, removeIfGone, roomNames } from "../http/reading.ts";
import { park } from "../http/stalls.ts";
import { openPoll } from "../polls/poll.ts";
import { refuse } from "../refusal.ts";
import type { Site } from "../site.ts";

/** How long a poll that would not wait may wait for this node's tails; a wake-up takes milliseconds. */
const CATCH_UP_MS = 2_000;

/** Nothing is kept between polls; a poll that finds the node going is answered at once and told so. */
export async function poll(ctx: Context, site: Site): Promise<void> {
  site.metrics.polls.whole += 1;
  const input = inputOf(ctx);
  const nonce = nonceOf(input);
  const waitSeconds = input.number("wait", { min: 0, max: POLL_WAIT_MAX_SECONDS }, POLL_WAIT_SECONDS);
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
  if (rooms !== undefined || waitMs === 0 || ctx.state.isScript || ctx.method !== "GET") return;
  const values = { cursors: cursorsOf(ctx, input), nonce };
  const roomIds = tails.map(({ id }) => id);
  const { session } = ctx.state;
  site.verifiedPolls?.remember(ctx, values, { roomIds, payer, visitor, session, waitMs });
}

/** Who would not wait is answered from the log, which may be a moment ahead of this node's tails: then they catch up first. */
async function hasAll(site: Site, reader: Reader): Promise<boolean> {
  for (const tail of reader.tails) if ((await site.hub.bounds(tail)).head > reader.seqIn(tail)) return false;
  return true;
}
