import type { Knex } from "knex";
import { pruneRevocations, readRevocations, writeRevocation } from "../../db/log/revocations.ts";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import { wallNow } from "../clock.ts";
import type { Logger } from "../log.ts";

/** The ended sessions, in this node's memory. */
export type Revocations = {
  /**
   * Returns whether a token of a member, issued at that time (milliseconds since 1970), is refused.
   */
  isRevoked(memberId: string, issuedAt: number): boolean;
  /**
   * Ends all of a member's tokens issued until now, on every node. `issuedAt` is that of the token
   * at hand: clocks differ.
   */
  revoke(memberId: string, issuedAt: number): Promise<void>;
  /** Adds a revocation that another node has published. */
  onRevoked(payload: string): void;
  /** Reads all of them again, since some may have been missed; at most once in READ_MS. */
  refresh(): void;
  /** Calls a listener with each member whose session has ended, however this node learned of it. */
  onEnd(listener: (memberId: string) => void): void;
  stop(): void;
};

/** Where no notification arrives, a revocation is known this much later. */
const READ_MS = 5_000;

/** An expired revocation costs 100 bytes; once a day is soon enough. */
const PRUNE_MS = 24 * 3_600_000;

type Dependencies = { db: Knex; wakeUps: WakeUps; logger: Logger; sessionDays: number };

/** Reads the revocations and keeps them up to date. */
export async function openRevocations({ db, wakeUps, logger, sessionDays }: Dependencies): Promise<Revocations> {
  const revoked = new Map<string, number>();
  const listeners: ((memberId: string) => void)[] = [];
  let readAt = performance.now();
  let isReading = false;
  await read();
  const pruning = setInterval(prune, PRUNE_MS);
  pruning.unref();

  return {
    isRevoked: (memberId, issuedAt) => issuedAt <= (revoked.get(memberId) ?? -1),
    revoke: async (memberId, issuedAt) => {
      const before = Math.max(wallNow(), issuedAt);
      await writeRevocation(db, wakeUps, { memberId, before });
      add(memberId, before);
    },
    onRevoked: (payload) => {
      const [memberId, before] = payload.split(" ");
      if (memberId) add(memberId, Number(before));
    },
    refresh,
    onEnd: (listener) => void listeners.push(listener),
    stop: () => clearInterval(pruning),
  };

  function add(memberId: string, before: number): void {
    if (before <= (revoked.get(memberId) ?? 0)) return;
    revoked.set(memberId, before);
    for (const listener of listeners) listener(memberId);
  }

  async function read(): Promise<void> {
    for (const { memberId, before } of await readRevocations(db, sessionDays)) add(memberId, before);
  }

  function refresh(): void {
    if (isReading || performance.now() - readAt < READ_MS) return;
    isReading = true;
    readAt = performance.now();
    read()
      .catch((error) => logger.debug({ err: error }, "revocations could not be read"))
      .finally(() => {
        isReading = false;
      });
  }

  function prune(): void {
    const limit = wallNow() - sessionDays * 24 * 3_600_000;
    for (const [memberId, before] of revoked) if (before < limit) revoked.delete(memberId);
    pruneRevocations(db, sessionDays).catch((error) => logger.debug({ err: error }, "revocations were not pruned"));
  }
}
