import type { Context } from "koa";
import type { BanAct, BanTarget } from "../../db/log/bans.ts";
import { refuse } from "../refusal.ts";
import type { AskedBan, ToErase } from "../rooms/moderate.ts";
import { inputOf, readChoice } from "./input.ts";

/** Characters of a reason, as people count them. */
const REASON_LENGTH = 300;

/** The longest ban that ends: a year. */
const MINUTES_MAX = 365 * 24 * 60;

const ACTS: readonly string[] = ["silence", "shut-out", "remove"] satisfies BanAct[];

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
  const act = input.string("act") ?? "";
  if (!ACTS.includes(act)) throw refuse("malformed", "act: silence, shut-out or remove");
  const secretly = readChoice(ctx, "secretly", false);
  if (secretly && act === "remove") throw refuse("malformed", "secretly: with silence and shut-out only");
  const minutes = input.text("minutes") === undefined ? undefined : input.number("minutes", MINUTES, 0);
  if (minutes !== undefined && act === "remove") throw refuse("malformed", "minutes: not with remove");
  return { ...readTarget(ctx), act: act as BanAct, secretly, reason: readReason(ctx), minutes };
}

const MINUTES = { min: 1, max: MINUTES_MAX };

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
    if (!IS_VALID[kind].test(value)) throw refuse("malformed", `${kind}: not one of this site`);
    targets.push({ kind, value });
  }
  return targets;
}

/** A member's id has no controls, a trip its diamond, and a network eight letters and digits. */
const IS_VALID = { member: /^[\x21-\x7e]{1,100}$/, trip: /^◆[\w+/=.-]{6,40}$/, network: /^[a-km-np-z2-9]{8}$/ };
