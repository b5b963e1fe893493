import type { Context } from "koa";
import type { ByeSignal } from "../../protocol/event.ts";
import { ROOMS_PER_READER } from "../../protocol/limits.ts";
import type { Reader } from "../delivery/reader.ts";
import { retryMs } from "../delivery/retry.ts";
import type { Session } from "../guard/session.ts";
import { Refusal, refuse } from "../refusal.ts";
import type { Site } from "../site.ts";
import type { Input } from "./input.ts";
import { payerOf, visitorOf } from "./payer.ts";

/** The rooms that a request wants to read. Throws `malformed`. */
export function roomNames(input: Input): string[] {
  const names = [...new Set(input.texts("room"))];
  if (names.length < 1 || names.length > ROOMS_PER_READER)
    throw refuse("malformed", `room: one to ${ROOMS_PER_READER} of them`);
  return names;
}

/** [Yaffle lastEventId, older polyfills evs_last_event_id] All the places where a cursor may stand; the farthest counts. */
export function cursorsOf(ctx: Context, input: Input): string[] {
  const header = ctx.get("Last-Event-ID");
  const given = [...input.texts("after"), ...input.texts("lastEventId"), ...input.texts("evs_last_event_id")];
  return header === "" ? given : [...given, header];
}

/** Who reads, if it is a member. */
export function memberIdOf(ctx: Context): string | undefined {
  const session: Session | undefined = ctx.state.session;
  return session?.member.id;
}

/** Who went while its room was looked up has had its close before anybody listened, and there is no other. */
export function removeIfGone(site: Site, reader: Reader, ctx: Context): void {
  if (ctx.res.destroyed) site.hub.remove(reader);
}

/**
 * Returns how long a member's client may send nothing before it is asked to come back. A confirmation that is caused by
 * a ping just before the member is no longer seen is still in time.
 */
export function patienceMs({ config }: Site): number {
  return config.seenMs + PATIENCE_MS;
}

const PATIENCE_MS = 3_000;

/**
 * Returns why a stream or a live page cannot be opened now and when to come back; `undefined` if it can. Charges the
 * request to `streams`.
 */
export function reasonToWait(ctx: Context, site: Site): ByeSignal | undefined {
  const retry = retryMs(site.hub.readers.size);
  if (site.isDraining) return { retry };
  if (!site.hub.places.isOpenTo(visitorOf(ctx, site))) return { retry, reason: "full" };
  try {
    site.limits.streams.take(payerOf(ctx));
    return undefined;
  } catch (error) {
    const bye = byeOf(error, retry);
    if (bye === undefined) throw error;
    return bye;
  }
}

/** Returns how to send away a reader that is over a limit; `undefined` for any other error. */
export function byeOf(error: unknown, retry: number): ByeSignal | undefined {
  if (!(error instanceof Refusal) || error.code !== "too_many") return undefined;
  return { retry: retry + 1000 * (error.retrySeconds ?? 0), reason: "too_many" };
}
