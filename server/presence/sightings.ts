import type { Knex } from "knex";
import { LRUCache } from "lru-cache";
import { type MemberSighting, pruneSightings, writeSightings } from "../../db/log/sightings.ts";
import { pruneUnheard } from "../../db/log/unheard.ts";
import type { Logger } from "../log.ts";

/** Notes from which networks members come, for moderators. */
export type Sightings = {
  /** Resolves once it is noted. Returns `undefined` if it has been lately. */
  note(sighting: MemberSighting): Promise<void> | undefined;
  stop(): void;
};

/** A raid at night is cleaned up in the morning. After that, nobody can be found by a network. */
const KEPT_HOURS = 24;

/** A sighting is written again after this time. */
const FRESH_MS = 3_600_000;

/** Sightings that are known to be written: 20,000 take 4 MB. */
const KNOWN = 20_000;

const PRUNE_MS = 3_600_000;

/** Sightings of a crowd in one statement. */
const BATCH = 500;

type WaitingSighting = { sighting: MemberSighting; resolve(): void; reject(error: unknown): void };

/** Creates the notes of a node. While one statement runs, others wait and share the next. */
export function createSightings({ db, logger }: { db: Knex; logger: Logger }): Sightings {
  const known = new LRUCache<string, true>({ max: KNOWN, ttl: FRESH_MS });
  let waiting: WaitingSighting[] = [];
  let isWriting = false;
  const timer = setInterval(prune, PRUNE_MS).unref();
  return {
    note(sighting) {
      const key = keyOf(sighting);
      if (known.has(key)) return undefined;
      return new Promise<void>((resolve, reject) => {
        waiting.push({ sighting, resolve, reject });
        if (!isWriting) void write();
      });
    },
    stop: () => clearInterval(timer),
  };

  async function write(): Promise<void> {
    isWriting = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH);
      waiting = waiting.slice(BATCH);
      try {
        await writeSightings(
          db,
          batch.map(({ sighting }) => sighting),
        );
        for (const { sighting, resolve } of batch) {
          known.set(keyOf(sighting), true);
          resolve();
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    isWriting = false;
  }

  function prune(): void {
    pruneSightings(db, KEPT_HOURS)
      .then(() => pruneUnheard(db, KEPT_HOURS))
      .catch((error) => logger.debug({ err: error }, "old sightings were not deleted"));
  }
}

function keyOf({ memberId, network }: MemberSighting): string {
  return `${memberId} ${network}`;
}
