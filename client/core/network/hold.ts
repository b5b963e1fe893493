import { POLL_WAIT_SECONDS } from "../../../protocol/limits.ts";
import type { Memory } from "./memory.ts";

// A network that is not known yet may let a connection die in silence: ten seconds are not too long to find out.
const FIRST_SECONDS = 10;
const SHORTEST_SECONDS = 2;
const POLLS_BEFORE_LONGER = 5;
const SHORT_PAUSE_MS = 1_500;
const SHORTEST_GRACE_MS = 2_500;
// Of a way that was known to be quick, what takes longer is none: after a minute and more of that it may have become a slow one.
const SILENCES_OF_A_QUICK_WAY = 30;
const UNKNOWN_GRACE_MS = 5_000;
const LONGEST_GRACE_MS = 15_000;

/** How long a poll may be held on this network, and how long its answer may take beyond that. */
export type Hold = {
  /** 0: nothing that is held comes back here; ask and ask again. */
  seconds(): number;
  /** Between polls that are not held. */
  pauseMs: number;
  graceMs(rttMs: number): number;
  /** A poll that was to be held so many seconds came back. */
  answered(waitSeconds: number): void;
  /** A poll was cut after so many milliseconds, or given up when its answer had not come by then. */
  cut(afterMs: number, waitSeconds: number, graceMs: number): void;
};

/**
 * Begins with 10 s. A poll that is cut is asked for 0.8 of the time it got, one that died in silence for a third (10, 3);
 * below 2 s polls are not held any more. Five whole ones in a row, and it is a half more, up to 25 s: what cut them may
 * have been the reader's walk from one network to another.
 */
export function createHold(memory: Memory): Hold {
  let seconds = Math.min(POLL_WAIT_SECONDS, memory.known.holdSeconds ?? FIRST_SECONDS);
  let answers = 0;
  let silences = 0;

  function hold(newSeconds: number): void {
    answers = 0;
    seconds = newSeconds < SHORTEST_SECONDS ? 0 : Math.min(POLL_WAIT_SECONDS, newSeconds);
    memory.learn({ holdSeconds: seconds });
  }

  return {
    seconds: () => seconds,
    pauseMs: SHORT_PAUSE_MS,
    graceMs(rttMs) {
      const grace = rttMs === 0 ? UNKNOWN_GRACE_MS : Math.max(SHORTEST_GRACE_MS, 3 * rttMs + 1500);
      // a slow line must get through at last: each silence gives the next one twice the time
      const doublings = rttMs === 0 ? silences : Math.max(0, silences - SILENCES_OF_A_QUICK_WAY);
      return Math.min(LONGEST_GRACE_MS, grace * 2 ** Math.min(doublings, 3));
    },
    answered(waitSeconds) {
      silences = 0;
      if (waitSeconds < seconds || seconds === POLL_WAIT_SECONDS) return;
      answers++;
      if (answers >= POLLS_BEFORE_LONGER) hold(seconds === 0 ? SHORTEST_SECONDS : Math.ceil(seconds * 1.5));
    },
    cut(afterMs, waitSeconds, graceMs) {
      const inSilence = afterMs >= waitSeconds * 1000 + graceMs - 100;
      if (inSilence) silences++;
      if (waitSeconds === 0) return;
      if (inSilence) hold(Math.floor(waitSeconds / 3));
      // Less than a second says nothing about holding: the network was down.
      else if (afterMs >= 1000) hold(Math.floor((afterMs / 1000) * 0.8));
    },
  };
}
