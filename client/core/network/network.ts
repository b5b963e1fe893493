import { isOwn } from "../../../protocol/own.ts";
import type { Known } from "./known.ts";

const FIVE_MINUTES = 300_000;
// Until a stream has lasted here, one that died in silence is noticed within 8 s: 4 s, 3 s of
// patience, a tick a second.
const FIRST_PING_SECONDS = 4;
// A network that is not known yet may let a connection die in silence: ten seconds are not too long
// to find out.
const FIRST_HOLD_SECONDS = 10;

/** The findings of a session about its network. */
export type Network = {
  /** The time of what happens. */
  now: number;
  random(): number;
  /** The findings to be stored; `isNew`: some have changed. */
  known: Known;
  isNew: boolean;
  /** The rung of the stream that should carry; as many as there are streams: none does. */
  rung: number;
  climbAt: number;
  climbMs: number;
  /** Refusals in a row of the stream on this rung. */
  refusals: number;
  /** Polls that were answered since the last attempt to climb. */
  polled: number;
  /** Since when streams have carried on this rung; 0: they have not. */
  provedAt: number;
  /** How often a stream must say something. */
  pingSeconds: number;
  /** How old a stream may grow. */
  lifeMs: number;
  /** The age at which the last stream was cut. */
  lastAgeMs: number;
  /** How long a poll may be held; 0: a poll that is held does not come back here. */
  holdSeconds: number;
  /** Polls that were held to the end, since the hold has changed. */
  held: number;
  /** Polls in a row that were not answered in time. */
  silences: number;
  /** The network releases a frame only when the next one is sent. */
  late: boolean;
};

/**
 * Creates the record of a network for a number of kinds of stream (`streams`), from what a former
 * session kept.
 */
export function createNetwork(
  known: Known,
  streams: number,
  { now, random }: { now: number; random(): number },
): Network {
  return {
    now,
    random,
    known,
    isNew: false,
    climbAt: 0,
    climbMs: FIVE_MINUTES,
    refusals: 0,
    polled: 0,
    provedAt: 0,
    pingSeconds: FIRST_PING_SECONDS,
    lifeMs: FIVE_MINUTES,
    lastAgeMs: 0,
    holdSeconds: FIRST_HOLD_SECONDS,
    held: 0,
    silences: 0,
    late: false,
    ...known,
    rung: Math.min(known.rung || 0, streams),
  };
}

/** Keeps these findings. */
export function learn(network: Network, findings: Known): void {
  for (const name in findings)
    if (isOwn(findings, name)) network.known[name as "rung"] = findings[name as "rung"] as number;
  network.isNew = true;
}
