import { PING_MS } from "../../../protocol/limits.ts";
import { learn, type Network } from "./network.ts";

const SECOND = 1_000;
const MINUTE = 60_000;
const LONGEST_PING_SECONDS = PING_MS / SECOND;
const SHORTEST_PING_SECONDS = 2;
// Some proxies end every stream at ten minutes, and what runs that long may be renewed for 500
// bytes.
const LONGEST_LIFE_MS = 10 * MINUTE;
const SHORTEST_LIFE_MS = 6 * SECOND;

// The pace: at what idle or total age streams die here. A cut after a pause is answered by pings at
// half of the pause; two cuts at the same age by renewing at 0.8 of it. A stream that has lasted
// its life gets a longer one and slower pings.

/**
 * Returns the age at which a stream is renewed: before the network cuts it, at different times for
 * different people.
 */
export function streamLifeMs({ lifeMs, random }: Network): number {
  return lifeMs * (0.8 + random() / 5);
}

/**
 * A stream was cut at this age, after this pause. Returns whether streams live too short here to be
 * worth it.
 */
export function cut(network: Network, livedMs: number, idleMs: number): boolean {
  const { pingSeconds } = network;
  // A pause of nearly a whole ping is what a network with an idle limit cuts at; a shorter one is
  // chance.
  if (idleMs >= 1500 && idleMs >= pingSeconds * SECOND * 0.5 && pingSeconds > SHORTEST_PING_SECONDS) {
    // A pause that is longer than a ping is not the network's fault: the machine has slept.
    return tooLong(network, livedMs, Math.min(pingSeconds, idleMs / (2 * SECOND)));
  }
  return tooOld(network, livedMs);
}

/**
 * A stream fell silent after it was last heard at this age. Returns whether streams live too short
 * here to be worth it.
 */
export function fellSilent(network: Network, livedMs: number): boolean {
  const { pingSeconds } = network;
  // Only where no pause is long any more, it is the age that something on the way does not allow.
  if (pingSeconds > SHORTEST_PING_SECONDS) return tooLong(network, livedMs, pingSeconds / 2);
  return tooOld(network, livedMs);
}

/** A stream reached its age. */
export function lasted(network: Network): void {
  network.lastAgeMs = 0;
  network.lifeMs = Math.min(LONGEST_LIFE_MS, network.lifeMs * 1.5);
  network.pingSeconds = Math.min(LONGEST_PING_SECONDS, network.pingSeconds * 2);
  keep(network);
}

/** A pause was too long: pings come this often from now on. */
function tooLong(network: Network, livedMs: number, seconds: number): boolean {
  network.lastAgeMs = livedMs;
  setPing(network, seconds);
  return keep(network);
}

/** The second stream that ends at the same age was too old. */
function tooOld(network: Network, livedMs: number): boolean {
  const isSameAge = Math.abs(livedMs - network.lastAgeMs) < Math.max(SECOND, livedMs / 5);
  network.lastAgeMs = livedMs;
  if (isSameAge && livedMs >= SECOND) network.lifeMs = livedMs * 0.8;
  return keep(network);
}

function setPing(network: Network, seconds: number): void {
  network.pingSeconds = Math.max(SHORTEST_PING_SECONDS, Math.floor(seconds));
}

/** Returns whether streams live too short here to be worth it. */
function keep(network: Network): boolean {
  const { pingSeconds, lifeMs } = network;
  learn(network, { pingSeconds, lifeMs });
  return lifeMs < SHORTEST_LIFE_MS;
}
