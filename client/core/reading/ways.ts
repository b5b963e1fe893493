import type { State } from "./state.ts";
import type { Transport } from "./transport.ts";

// A filter may be removed.
const TRIED_AGAIN_MS = 600_000;

// The ways: polls by requests, polls under a path that no filter knows, and polls by script
// elements. Each failure leads to the next one. If another one than the first is answered, the
// server may have come back just then, so the first one is tried once more: if it fails now, it is
// blocked, and is not tried again for ten minutes.

/** Returns the transport of the next poll. */
export function pollTransport({ polls, way }: State): Transport {
  return polls[way] as Transport;
}

/** Returns the transport for a question, which is not a trial. */
export function questionTransport({ polls, way, wayBack }: State): Transport {
  return polls[wayBack || way] as Transport;
}

/** Whether the next poll finds out if the first transport is blocked. It is not held. */
export function isTrial({ wayBack }: State): boolean {
  return wayBack > 0;
}

/** Whether the feed reads by another path because something blocks the usual one. */
export function isBlocked(state: State): boolean {
  return state.blockedAt > 0 && questionTransport(state).isUnlisted === true;
}

/** Notes that a poll by a transport was answered. */
export function wayAnswered(state: State, transport: Transport): void {
  const { polls, way, now, blockedAt } = state;
  if (transport === polls[0]) state.wayBack = state.blockedAt = 0;
  else if (blockedAt === 0 || Math.abs(now - blockedAt) > TRIED_AGAIN_MS) {
    state.wayBack = way;
    state.way = 0;
  }
}

/**
 * Notes that a poll has failed, or that the site asked to come back later. Returns whether it was a
 * trial that shows what is blocked, so that nothing else is to blame.
 */
export function wayFailed(state: State, retryMs: number | undefined): boolean {
  const { polls, way, wayBack, now } = state;
  const isFound = wayBack > 0 && retryMs === undefined;
  state.way = isFound ? wayBack : (way + 1) % polls.length;
  state.blockedAt = isFound ? now : 0;
  state.wayBack = 0;
  return isFound;
}
