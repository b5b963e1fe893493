import { POLL_WAIT_SECONDS } from "../../../protocol/limits.ts";
import { learn, type Network } from "./network.ts";

const SHORTEST_SECONDS = 2;
const POLLS_BEFORE_LONGER = 5;
const SHORTEST_GRACE_MS = 2_500;
// On a fast path a slow answer counts as lost. After 30 in a row, for more than a minute, the path
// may have become slow.
const SILENCES_OF_A_FAST_PATH = 30;
const UNKNOWN_GRACE_MS = 5_000;
const LONGEST_GRACE_MS = 15_000;

// The hold: how long a poll may be held here. A poll that is cut is asked for 0.8 of the time it
// got, one that died in silence for a third (10, 3); below 2 s polls are not held any more. Five
// whole ones in a row, and it is a half more, up to 25 s: what cut them may have been the reader's
// walk from one network to another.

/** Returns how long a poll's answer may take beyond its hold. */
export function graceMs({ silences }: Network, rttMs: number): number {
  const grace = rttMs === 0 ? UNKNOWN_GRACE_MS : Math.max(SHORTEST_GRACE_MS, 3 * rttMs + 1500);
  // A slow line must get through at last: each silence doubles the time for the next one.
  const doublings = rttMs === 0 ? silences : Math.max(0, silences - SILENCES_OF_A_FAST_PATH);
  return Math.min(LONGEST_GRACE_MS, grace * 2 ** Math.min(doublings, 3));
}

/** A poll that was to be held this long came back. */
export function held(network: Network, waitSeconds: number): void {
  const { holdSeconds } = network;
  network.silences = 0;
  if (waitSeconds < holdSeconds || holdSeconds === POLL_WAIT_SECONDS) return;
  network.held++;
  if (network.held >= POLLS_BEFORE_LONGER)
    hold(network, holdSeconds === 0 ? SHORTEST_SECONDS : Math.ceil(holdSeconds * 1.5));
}

/** A poll was cut after this time, or given up when its answer had not come by then. */
export function notHeld(
  network: Network,
  afterMs: number,
  { wait, graceMs: grace }: { wait: number; graceMs: number },
): void {
  const inSilence = afterMs >= wait * 1000 + grace - 100;
  if (inSilence) network.silences++;
  if (wait === 0) return;
  if (inSilence) hold(network, wait / 3);
  // Less than a second says nothing about holding: the network was down.
  else if (afterMs >= 1000) hold(network, (afterMs / 1000) * 0.8);
}

function hold(network: Network, seconds: number): void {
  const holdSeconds = seconds < SHORTEST_SECONDS ? 0 : Math.min(POLL_WAIT_SECONDS, Math.floor(seconds));
  network.held = 0;
  network.holdSeconds = holdSeconds;
  learn(network, { holdSeconds });
}
