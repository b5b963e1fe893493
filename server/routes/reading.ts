import type { Context } from "koa";
import { ROOMS_PER_READER } from "../../protocol/limits.ts";
import type { Reader } from "../delivery/reader.ts";
import type { Session } from "../guard/session.ts";
import { refuse } from "../refusal.ts";
import type { Site } from "../site.ts";
import type { Input } from "./input.ts";

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

/** Tells a reader to come back after so long, here or at another node, and lets go of it. */
export function sendAway({ hub }: Site, reader: Reader, retry: number): void {
  reader.transport.signal({ name: "bye", data: { retry } }, reader);
  hub.remove(reader);
}

/** A second to three for one reader; a crowd is spread over 2 ms a head, twice what it takes to let one in: 10 000 come back within 21 s. */
export function retryMs(crowd: number): number {
  return Math.round(1000 + Math.random() * Math.max(2000, crowd * 2));
}
