import { RateLimiterMemory, type RateLimiterRes } from "rate-limiter-flexible";
import { refuse } from "../refusal.ts";

/** Counts what somebody does and throws `too_many` with the seconds to wait. */
export type RateLimits = {
  /** Per member: 20 remarks in 10 s; nobody types that, and a pasted burst passes. */
  remark(memberId: string): Promise<void>;
  /** Per member: entering, leaving and saying that one types, 60 in 10 s. */
  move(memberId: string): Promise<void>;
  /** Per address: 300 nicknames in 10 s; an office or a school stands behind one address. */
  nickname(address: string): Promise<void>;
  /** Per address: 30 rooms a minute. */
  room(address: string): Promise<void>;
};

/** Limits of one node; with several, as many times as much passes, which is still little. Without limits, all passes. */
export function createRateLimits(hasLimits: boolean): RateLimits {
  return {
    remark: limit(20, 10),
    move: limit(60, 10),
    nickname: limit(300, 10),
    room: limit(30, 60),
  };

  function limit(points: number, duration: number): (key: string) => Promise<void> {
    if (!hasLimits) return async () => undefined;
    const limiter = new RateLimiterMemory({ points, duration });
    return async (key) => {
      try {
        await limiter.consume(key);
      } catch (error) {
        const { msBeforeNext } = error as RateLimiterRes;
        throw refuse("too_many", undefined, Math.max(1, Math.ceil(msBeforeNext / 1000)));
      }
    };
  }
}
