import type { Context } from "koa";
import type { z } from "zod";
import { isDatabaseAway } from "../../db/pool/connect.ts";
import type { ByeSignal } from "../../protocol/event.ts";
import { ROOMS_PER_READER } from "../../protocol/limits.ts";
import { type ReadingRequest, reasonToWait } from "../delivery/admit.ts";
import type { Reader } from "../delivery/reader.ts";
import { retryMs } from "../delivery/retry.ts";
import type { Tail } from "../delivery/tail.ts";
import type { Session } from "../guard/session.ts";
import { Refusal, refuse } from "../refusal.ts";
import type { pollRequest } from "../requests.ts";
import type { Site } from "../site.ts";
import { actorOf } from "./actor.ts";
import { browserOf } from "./browser.ts";
import { accountOf, payerOf, visitorOf } from "./payer.ts";

/**
 * Returns the names of the rooms that a request wants to read, those in its path first. Throws
 * `malformed`.
 */
export function roomNames(asked: string[] = [], inPath: string[] = []): string[] {
  const names = [...new Set([...inPath, ...asked.filter((name) => name !== "")])];
  if (names.length < 1 || names.length > ROOMS_PER_READER)
    throw refuse("malformed", `room: one to ${ROOMS_PER_READER} of them`);
  return names;
}

type AskedCursors = Pick<z.output<typeof pollRequest>, "after" | "lastEventId" | "evs_last_event_id">;

/**
 * Returns a request's cursors from all parameters and headers that may hold one; the farthest
 * counts. [Yaffle lastEventId, older polyfills evs_last_event_id]
 */
export function cursorsOf(
  ctx: Context,
  { after = [], lastEventId = [], evs_last_event_id = [] }: AskedCursors,
): string[] {
  const given = [after, lastEventId, evs_last_event_id, ctx.get("Last-Event-ID")].flat();
  return given.filter((cursor) => cursor !== "");
}

/** Returns the id of the member that reads, if it is one. */
export function memberIdOf(ctx: Context): string | undefined {
  const session: Session | undefined = ctx.state.session;
  return session?.member.id;
}

/**
 * Returns whether a request may read the whispers of its session. An old browser would run a script
 * of ours in another site's page, with the cookie and without a word about that page.
 */
export function readsWhispers({ state }: Context): boolean {
  const session: Session | undefined = state.session;
  return session !== undefined && (session.by === "token" || !state.isScript || state.source === "own");
}

/** Returns the inbox of the request's member in a room; `undefined` if it has none. */
export async function findInbox(ctx: Context, site: Site, { id: roomId }: Tail): Promise<Tail | undefined> {
  const memberId = memberIdOf(ctx);
  return memberId !== undefined && readsWhispers(ctx) ? site.hub.inboxes.find({ roomId, memberId }) : undefined;
}

/**
 * Returns the rooms of a reader, followed by its inboxes there. Its reader has to be admitted
 * without awaiting anything else, so that no new inbox is missed.
 */
export async function withInboxes(ctx: Context, site: Site, tails: Tail[]): Promise<Tail[]> {
  const memberId = memberIdOf(ctx);
  return memberId !== undefined && readsWhispers(ctx) ? site.hub.inboxes.withInboxes(tails, memberId) : tails;
}

/** Returns the part of a reading request that is the same for all transports. */
export function requesterOf(
  ctx: Context,
  site: Site,
): Pick<
  ReadingRequest,
  "memberId" | "readsWhispers" | "actor" | "recheck" | "browser" | "visitor" | "account" | "isGone"
> {
  return {
    memberId: memberIdOf(ctx),
    readsWhispers: readsWhispers(ctx),
    actor: actorOf(ctx, site),
    recheck: site.access.recheck,
    browser: browserOf(ctx, site),
    visitor: visitorOf(ctx, site),
    account: accountOf(ctx, site),
    isGone: () => ctx.res.destroyed,
  };
}

/**
 * Returns whether the site serves by a server of its own. In a host's app, the host has a hand in
 * every response.
 */
export function isOwnServer(site: Site): boolean {
  return site.hasOwnServer;
}

/**
 * Returns how long a member's client may send nothing before it is asked to come back. A
 * confirmation that is caused by a ping just before the member is no longer seen is still in time.
 */
export function patienceMs({ config }: Site): number {
  return config.seenMs + PATIENCE_MS;
}

const PATIENCE_MS = 3_000;

/**
 * Returns why a stream or a live page cannot be opened now and when to come back; `undefined` if it
 * can. Charges the request to `streams`.
 */
export function reasonToRefuseStream(ctx: Context, site: Site): ByeSignal | undefined {
  if (ctx.state.isHostAway) return { retry: retryMs(site.hub.readers.size) };
  const bye = reasonToWait(site.hub, { visitor: visitorOf(ctx, site), isDraining: site.sendsAway });
  if (bye !== undefined) return bye;
  try {
    site.limits.streams.take(payerOf(ctx));
    return undefined;
  } catch (error) {
    const tooMany = byeOf(error, retryMs(site.hub.readers.size));
    if (tooMany === undefined) throw error;
    return tooMany;
  }
}

/**
 * Ends a stream or a live page that could not catch up. Its client comes back with its cursor, so
 * it misses nothing.
 */
export function failStream(site: Site, reader: Reader, error: unknown): void {
  const retry = retryMs(site.hub.readers.size);
  const tooMany = byeOf(error, retry);
  if (tooMany === undefined) logStreamFailure(site, error);
  site.hub.sendAway(reader, tooMany ?? { retry });
}

/**
 * Logs why a stream cannot read the log. Its client is sent away after an unexpected error as well,
 * since 500 would end an EventSource for good.
 */
export function logStreamFailure(site: Site, error: unknown): void {
  if (isDatabaseAway(error) || error instanceof Refusal)
    site.logger.debug({ err: error }, "a stream could not read the log; its client reconnects");
  else site.logger.error({ err: error }, "unexpected error: a stream could not read the log");
}

/** Returns how to send away a reader that is over a limit; `undefined` for any other error. */
function byeOf(error: unknown, retry: number): ByeSignal | undefined {
  if (!(error instanceof Refusal) || error.code !== "too_many") return undefined;
  return { retry: retry + 1000 * (error.retrySeconds ?? 0), reason: "too_many" };
}
