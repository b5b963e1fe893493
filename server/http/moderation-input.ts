import type { Context } from "koa";
import type { z } from "zod";
import type { BanTarget } from "../../db/log/bans.ts";
import { banRequest, erasureRequest, targetRequest } from "../keeping-requests.ts";
import type { AskedBan, ToErase } from "../rooms/moderate.ts";
import { inputOf } from "./input.ts";

/**
 * Returns what a request wants to erase: the message or notice `seq`, or everything of a `member`,
 * a `trip` or a `network`. Throws `malformed` unless it names one of them.
 */
export function readToErase(ctx: Context): ToErase {
  const { seq, ...named } = inputOf(ctx).read(erasureRequest);
  return seq === undefined ? targetOf(named) : { seq };
}

/** Returns the member, the trip or the network that a request names. Throws `malformed`. */
export function readTarget(ctx: Context): BanTarget {
  return targetOf(inputOf(ctx).read(targetRequest));
}

/** Returns the ban that a request asks for. Throws `malformed`. */
export function readBan(ctx: Context): AskedBan {
  const { act, secretly, reason, minutes, ...named } = inputOf(ctx).read(banRequest);
  return { ...targetOf(named), act, secretly, reason, minutes };
}

/** Returns a number that names something. Throws `malformed`. */
export function readId(ctx: Context, name: string): number {
  return inputOf(ctx).number(name, { min: 1, max: Number.MAX_SAFE_INTEGER }, Number.NaN);
}

/** The schema of a request allows one of them. */
function targetOf({ member, trip, network }: z.output<typeof targetRequest>): BanTarget {
  if (member !== undefined) return { kind: "member", value: member };
  return trip === undefined ? { kind: "network", value: network as string } : { kind: "trip", value: trip };
}
