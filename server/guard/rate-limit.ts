import ipaddr from "ipaddr.js";
import { RateLimiterMemory, type RateLimiterRes } from "rate-limiter-flexible";
import { refuse } from "../refusal.ts";

/** Counts what somebody does. */
export type Limit = {
  /** Throws `too_many`, with the seconds to wait, for who does too much. */
  take(key: string): Promise<void>;
  /** What was taken turned out to cost nothing. */
  giveBack(key: string): Promise<void>;
};

/** What is counted, and for whom. An address of IPv6 stands for its /64, which whoever has one has whole. */
export type RateLimits = {
  /** Per member: 20 remarks in 10 s; nobody types that, and a pasted burst passes. */
  remark: Limit;
  /** Per member: entering, leaving and saying that one types, 60 in 10 s. */
  move: Limit;
  /** Per address: 300 nicknames in 10 s; an office or a school stands behind one address. */
  nickname: Limit;
  /** Per address: 30 rooms a minute. */
  room: Limit;
  /** Per address: 600 questions of the path doctor a minute; one visit asks about 50. */
  probe: Limit;
};

/** Limits of one node; with several, as many times as much passes, which is still little. Without limits, all passes. */
export function createRateLimits(hasLimits: boolean): RateLimits {
  const limit = hasLimits ? countingLimit : () => NO_LIMIT;
  return {
    remark: limit(20, 10),
    move: limit(60, 10),
    nickname: byAddress(limit(300, 10)),
    room: byAddress(limit(30, 60)),
    probe: byAddress(limit(600, 60)),
  };
}

function byAddress(limit: Limit): Limit {
  return {
    take: (address) => limit.take(ownShareOf(address)),
    giveBack: (address) => limit.giveBack(ownShareOf(address)),
  };
}

/** The part of an address that cannot be chosen by who has it. */
function ownShareOf(address: string): string {
  if (!ipaddr.IPv6.isValid(address)) return address;
  const bytes = ipaddr.process(address).toByteArray();
  return bytes.slice(0, 8).join(".");
}

const NO_LIMIT: Limit = { take: async () => undefined, giveBack: async () => undefined };

function countingLimit(points: number, duration: number): Limit {
  const limiter = new RateLimiterMemory({ points, duration });
  return {
    take: async (key) => {
      try {
        await limiter.consume(key);
      } catch (error) {
        const { msBeforeNext } = error as RateLimiterRes;
        throw refuse("too_many", undefined, Math.max(1, Math.ceil(msBeforeNext / 1000)));
      }
    },
    giveBack: async (key) => {
      await limiter.reward(key);
    },
  };
}
