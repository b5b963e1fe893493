import { POLL_WAIT_SECONDS } from "../../protocol/limits.ts";

const SHORTEST_SECONDS = 5;
const POLLS_BEFORE_LONGER = 20;

/** How long a poll may be held on this network. */
export type Hold = {
  seconds(): number;
  /** A poll came back whole. */
  answered(): void;
  /** A poll was cut after so many milliseconds. */
  cut(afterMs: number): void;
};

/**
 * Starts with 25 s. A network that cuts earlier is asked for 0.8 of the time it gave, at least 5 s; after twenty polls
 * that came through, for a quarter more: the cut may have been the reader's walk from one network to another.
 */
export function createHold(): Hold {
  let seconds = POLL_WAIT_SECONDS;
  let answers = 0;
  return {
    seconds: () => seconds,
    answered() {
      answers++;
      if (answers < POLLS_BEFORE_LONGER) return;
      answers = 0;
      seconds = Math.min(POLL_WAIT_SECONDS, Math.ceil(seconds * 1.25));
    },
    cut(afterMs) {
      // Less than the shortest hold says nothing about holding: the network was down.
      if (afterMs < SHORTEST_SECONDS * 1000 || afterMs > seconds * 1000) return;
      answers = 0;
      seconds = Math.max(SHORTEST_SECONDS, Math.floor((afterMs / 1000) * 0.8));
    },
  };
}
