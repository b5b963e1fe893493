import { PING_MS } from "../../../protocol/limits.ts";
import type { Environment } from "../base/environment.ts";
import type { Memory } from "./memory.ts";

const SECOND = 1_000;
const MINUTE = 60_000;
const LONGEST_PING_S = PING_MS / SECOND;
// Until a stream has lasted here, one that died in silence is noticed within 8 s: 4 s, 3 s of patience, a look a second.
const FIRST_PING_S = 4;
const SHORTEST_PING_S = 2;
// Some proxies end every stream at ten minutes, and what runs that long may be renewed for 500 bytes.
const LONGEST_LIFE_MS = 10 * MINUTE;
const FIRST_LIFE_MS = 5 * MINUTE;
const SHORTEST_LIFE_MS = 6 * SECOND;

/** How often a stream must say something on this network, and how old it may grow. */
export type Pace = {
  pingSeconds(): number;
  /** When a stream is to be renewed, after its opening: before the network cuts it, at different times for different people. */
  lifeMs(): number;
  /** A stream was cut at this age, after so long a pause. Says whether streams live too short here to be worth it. */
  cut(livedMs: number, idleMs: number): boolean;
  /** A stream fell silent: a pause was too long for somebody on the way. */
  fellSilent(): void;
  /** A stream reached its age. */
  lasted(): void;
};

/**
 * Learns at what idle or total age streams die here. A cut after a pause is answered by pings at half of the pause; two
 * cuts at the same age by renewing at 0.8 of it. What has lasted its life gets a longer one and slower pings.
 */
export function createPace(environment: Environment, memory: Memory): Pace {
  let pingSeconds = memory.known.pingSeconds ?? FIRST_PING_S;
  let lifeMs = memory.known.lifeMs ?? FIRST_LIFE_MS;
  let lastAgeMs = 0;

  function learn(): void {
    memory.learn({ pingSeconds, lifeMs });
  }

  return {
    pingSeconds: () => pingSeconds,
    lifeMs: () => lifeMs * (0.8 + environment.random() / 5),
    cut(livedMs, idleMs) {
      const sameAge = Math.abs(livedMs - lastAgeMs) < Math.max(SECOND, livedMs / 5);
      lastAgeMs = livedMs;
      // A pause of nearly a whole ping is what a network with an idle limit cuts at; a shorter one is chance.
      if (idleMs >= 1500 && idleMs >= pingSeconds * SECOND * 0.5 && pingSeconds > SHORTEST_PING_S) {
        // of a longer pause than that between two pings somebody else is to blame: the machine has slept
        pingSeconds = Math.max(SHORTEST_PING_S, Math.min(pingSeconds, Math.floor(idleMs / (2 * SECOND))));
      } else if (sameAge && livedMs >= SECOND) {
        lifeMs = livedMs * 0.8;
      }
      learn();
      return lifeMs < SHORTEST_LIFE_MS;
    },
    fellSilent() {
      pingSeconds = Math.max(SHORTEST_PING_S, Math.floor(pingSeconds / 2));
      learn();
    },
    lasted() {
      lastAgeMs = 0;
      lifeMs = Math.min(LONGEST_LIFE_MS, lifeMs * 1.5);
      pingSeconds = Math.min(LONGEST_PING_S, pingSeconds * 2);
      learn();
    },
  };
}
