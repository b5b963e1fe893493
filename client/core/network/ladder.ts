import { learn, type Network } from "./network.ts";

const MINUTE = 60_000;
const CLIMB_MS = 5 * MINUTE;
const LONGEST_CLIMB_MS = 60 * MINUTE;
const CLIMB_POLLS = 30;

// The ladder: the streams, best first, and below them the polls, which are always there. One mute
// stream, or two refusals in a row, lead one rung down. The ladder is climbed again after five
// minutes or thirty polls, each time in vain after twice as long, up to an hour. If the server is
// away, no rung is to blame, and nothing here is called.

/** Returns a better rung to be tried next to the feed; `undefined` while it is not time. */
export function climb(network: Network): number | undefined {
  const { rung, climbMs, now } = network;
  if (rung === 0) return undefined;
  // A clock set back by hours must not forbid the climb for as long.
  if (network.climbAt - now > climbMs) network.climbAt = now + climbMs;
  const { climbAt, polled } = network;
  const isPolled = polled >= CLIMB_POLLS * (climbMs / CLIMB_MS) && now >= climbAt - climbMs + MINUTE;
  return now >= climbAt || isPolled ? rung - 1 : undefined;
}

/** Frames come through on this rung. */
export function proved(network: Network, rung: number): void {
  if (rung < network.rung) {
    network.rung = rung;
    // A rung above it may carry as well: five minutes from now, not at once.
    wait(network, CLIMB_MS);
  }
  if (network.provedAt === 0) network.provedAt = network.now;
}

/** The stream on this rung is open and holds back what it should show. */
export function failed(network: Network, rung: number): void {
  if (rung < network.rung) wait(network, network.climbMs * 2);
  else if (rung === network.rung) demote(network);
}

/** The stream on this rung had no answer of ours, while other requests have one. */
export function refused(network: Network, rung: number): void {
  if (rung === network.rung) network.refusals++;
  if (rung < network.rung || network.refusals >= 2) failed(network, rung);
}

function demote(network: Network): void {
  const { provedAt, now, climbMs } = network;
  const lasted = provedAt !== 0 && now - provedAt > MINUTE;
  network.rung++;
  network.refusals = 0;
  network.provedAt = 0;
  // A stream that had carried for a while is tried again sooner than one that never did.
  wait(network, lasted ? CLIMB_MS : Math.max(climbMs, CLIMB_MS));
}

function wait(network: Network, ms: number): void {
  const climbMs = Math.min(ms, LONGEST_CLIMB_MS);
  const climbAt = network.now + climbMs;
  network.climbMs = climbMs;
  network.climbAt = climbAt;
  network.polled = 0;
  learn(network, { rung: network.rung, climbMs, climbAt });
}
