import type { Outside } from "./outside.ts";

const MINUTE = 60_000;
const CLIMB_MS = 5 * MINUTE;
const CLIMB_SOON_MS = 10_000;
const LONGEST_CLIMB_MS = 60 * MINUTE;
const CLIMB_POLLS = 30;

/** `mute`: open, but holding back what it should show. `refused`: no answer of ours; the server may just be away. */
export type Failure = "mute" | "refused";

/** Which rung the next connection stands on; 0 is the best. */
export type Ladder = {
  /** The rung to try now; a better one than the last when it is time to climb. */
  next(): number;
  /** How long until it is time to climb; a poll should not be held longer. */
  climbInMs(): number;
  /** The rung works: frames come through. */
  proved(): void;
  /** Says whether the next rung should be tried at once: then it is this one that does not carry. */
  failed(how: Failure): boolean;
};

type State = {
  outside: Outside;
  rungs: number;
  rung: number;
  /** Refusals in a row on this rung. */
  refusals: number;
  /** Every rung is refused: then it is the server that is away, and no rung is to blame. */
  blameless: boolean;
  climbMs: number;
  climbAt: number;
  climbPolls: number;
  provedAt: number;
};

/**
 * One mute connection, or two refusals in a row, lead one rung down. Two refusals may be a mere restart of the server:
 * then the ladder climbs back after 10 s, else after 30 polls (and a minute) or five minutes; each climb in vain doubles
 * the time, up to an hour.
 */
export function createLadder(outside: Outside, rungs: number): Ladder {
  const state: State = {
    outside,
    rungs,
    rung: 0,
    refusals: 0,
    blameless: false,
    climbMs: 0,
    climbAt: 0,
    climbPolls: 0,
    provedAt: 0,
  };
  return {
    next: () => next(state),
    climbInMs: () => Math.max(0, state.climbAt - outside.now()),
    proved: () => proved(state),
    failed(how) {
      if (how === "mute") return demote(state, CLIMB_MS);
      refused(state);
      return false;
    },
  };
}

function next(state: State): number {
  if (state.rung === 0) return 0;
  const now = state.outside.now();
  const polled = state.climbPolls <= 0 && now >= state.climbAt - state.climbMs + MINUTE;
  if (now >= state.climbAt || polled) {
    state.rung--;
    state.refusals = 1;
    state.provedAt = 0;
  }
  return state.rung;
}

function proved(state: State): void {
  state.refusals = 0;
  state.blameless = false;
  state.climbPolls--;
  if (state.provedAt === 0) state.provedAt = state.outside.now();
}

function refused(state: State): void {
  state.refusals++;
  if (state.refusals < 2) return;
  if (state.rung < state.rungs - 1) {
    demote(state, CLIMB_SOON_MS);
    state.blameless = true;
    state.refusals = 1;
  } else if (state.blameless) {
    state.rung = 0;
    state.refusals = 1;
    state.climbMs = 0;
  }
}

function demote(state: State, firstClimbMs: number): boolean {
  if (state.rung === state.rungs - 1) return false;
  const lasted = state.provedAt !== 0 && state.outside.now() - state.provedAt > MINUTE;
  const doubled = Math.min(state.climbMs * 2, LONGEST_CLIMB_MS);
  state.climbMs = lasted ? firstClimbMs : Math.max(doubled, firstClimbMs);
  state.climbAt = state.outside.now() + state.climbMs;
  state.climbPolls = CLIMB_POLLS * (state.climbMs / firstClimbMs);
  state.rung++;
  state.refusals = 0;
  state.blameless = false;
  state.provedAt = 0;
  return true;
}
