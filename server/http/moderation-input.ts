import type { Context } from "koa";
import type { BanTarget } from "../../db/log/bans.ts";
import { refuse } from "../refusal.ts";
import type { AskedBan, ToErase } from "../rooms/moderate.ts";
import { banActSchema, banMinutesSchema, targetSchemas } from "../wire.ts";
import { inputOf, readChoice } from "./input.ts";

/** Characters of a reason, as people count them. */
const REASON_LENGTH = 300;

/**
 * Returns what a request wants to erase: the message `seq`, or everything of a `member`, a `trip`
 * or a `network`. Throws `malformed` unless it names one of them.
 */
export function readToErase(ctx: Context): ToErase {
  const seq = inputOf(ctx).text("seq");
  if (seq === undefined) return readTarget(ctx);
  if (targetsIn(ctx).length > 0) throw refuse("malformed", "seq, or one of member, trip and network");
  return { seq: readId(ctx, "seq") };
}

/** Returns the member, the trip or the network that a request names. Throws `malformed`. */
export function readTarget(ctx: Context): BanTarget {
  const [target, another] = targetsIn(ctx);
  if (target === undefined || another !== undefined) throw refuse("malformed", "one of member, trip and network");
  return target;
}

/** Returns the ban that a request asks for. Throws `malformed`. */
export function readBan(ctx: Context): AskedBan {
  const input = inputOf(ctx);
  const { data: act } = banActSchema.safeParse(input.string("act"));
  if (act === undefined) throw refuse("malformed", "act: silence, shut-out or remove");
  const secretly = readChoice(ctx, "secretly", false);
  if (secretly && act === "remove") throw refuse("malformed", "secretly: with silence and shut-out only");
  const minutes = input.whole("minutes", banMinutesSchema.optional());
  if (minutes !== undefined && act === "remove") throw refuse("malformed", "minutes: not with remove");
  return { ...readTarget(ctx), act, secretly, reason: readReason(ctx), minutes };
}

/** Returns the reason that a request gives; an empty one if it gives none. Throws `malformed`. */
export function readReason(ctx: Context): string {
  const reason = inputOf(ctx).string("reason") ?? "";
  if ([...reason].length > REASON_LENGTH || !reason.isWellFormed() || /[\p{Cc}--[\n\r\t]]/v.test(reason))
    throw refuse("malformed", `reason: at most ${REASON_LENGTH} characters`);
  return reason.trim();
}

/** Returns a number that names something. Throws `malformed`. */
export function readId(ctx: Context, name: string): number {
  return inputOf(ctx).number(name, { min: 1, max: Number.MAX_SAFE_INTEGER }, Number.NaN);
}

function targetsIn(ctx: Context): BanTarget[] {
  const input = inputOf(ctx);
  const targets: BanTarget[] = [];
  for (const kind of ["member", "trip", "network"] as const) {
    const value = input.string(kind);
    if (value === undefined) continue;
    if (!targetSchemas[kind].safeParse(value).success) throw refuse("malformed", `${kind}: not one of this site`);
    targets.push({ kind, value });
  }
  return targets;
}
