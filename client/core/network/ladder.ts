import type { Environment } from "../base/environment.ts";
import type { Memory } from "./memory.ts";

const MINUTE = 60_000;
const CLIMB_MS = 5 * MINUTE;
const LONGEST_CLIMB_MS = 60 * MINUTE;
const CLIMB_POLLS = 30;

/** `mute`: open, but holding back what it should show. `refused`: no answer of ours, while other requests have one. */
export type Failure = "mute" | "refused";

/** The streams, best first, and below them the polls, which are always there. */
export type Ladder = {
  /** The rung of the stream that should carry now; as many as there are streams: none does. */
  rung(): number;
  /** A better rung to be tried beside what carries; `undefined` while it is not time. */
  climb(): number | undefined;
  /** A poll was answered; after thirty of them (and a minute) it is time to climb as well. */
  polled(): void;
  /** Frames come through on this rung. */
  proved(rung: number): void;
  /** A stream has carried for a while: the next refusal is a first one. */
  carried(): void;
  failed(rung: number, how: Failure): void;
};

/**
 * One mute stream, or two refusals in a row, lead one rung down. The ladder is climbed again after five minutes or thirty
 * polls, each time in vain after twice as long, up to an hour. A server that is away is no fault of a rung and is not
 * told here.
 */
export function createLadder(environment: Environment, streams: number, memory: Memory): Ladder {
  const { known } = memory;
  let rung = Math.min(known.rung ?? 0, streams);
  let refusals = 0;
  let climbMs = known.climbMs ?? CLIMB_MS;
  let climbAt = known.climbAt ?? 0;
  let polls = 0;
  let provedAt = 0;

  function rest(ms: number): void {
    climbMs = Math.min(ms, LONGEST_CLIMB_MS);
    climbAt = environment.now() + climbMs;
    polls = 0;
    memory.learn({ rung, climbMs, climbAt });
  }

  function demote(): void {
    const lasted = provedAt !== 0 && environment.now() - provedAt > MINUTE;
    rung++;
    refusals = 0;
    provedAt = 0;
    // what had carried for a while is tried again sooner than what never did
    rest(lasted ? CLIMB_MS : Math.max(climbMs, CLIMB_MS));
  }

  return {
    rung: () => rung,
    climb() {
      if (rung === 0) return undefined;
      const now = environment.now();
      // A clock set back by hours must not forbid the climb for as long.
      if (climbAt - now > climbMs) climbAt = now + climbMs;
      const polled = polls >= CLIMB_POLLS * (climbMs / CLIMB_MS) && now >= climbAt - climbMs + MINUTE;
      return now >= climbAt || polled ? rung - 1 : undefined;
    },
    polled() {
      polls++;
    },
    proved(on) {
      if (on < rung) {
        rung = on;
        // one more above it may carry as well: five minutes from now, not at once
        rest(CLIMB_MS);
      }
      if (provedAt === 0) provedAt = environment.now();
    },
    carried() {
      refusals = 0;
    },
    failed(on, how) {
      if (on < rung) rest(climbMs * 2);
      else if (on === rung && (how === "mute" || ++refusals >= 2)) demote();
    },
  };
}
