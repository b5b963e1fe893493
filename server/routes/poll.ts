import type { Context } from "koa";
import { POLL_WAIT_MAX_SECONDS, POLL_WAIT_SECONDS } from "../../protocol/limits.ts";
import { joinReader, placeReader } from "../delivery/join.ts";
import { Reader } from "../delivery/reader.ts";
import { refuse } from "../refusal.ts";
import type { Site } from "../site.ts";
import { openPoll } from "../transports/long-poll.ts";
import { answerBytes } from "./answer.ts";
import { findRooms } from "./find-room.ts";
import { inputOf, nonceOf } from "./input.ts";
import { cursorsOf, memberIdOf, removeIfGone, retryMs, roomNames } from "./reading.ts";

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
