import type { Knex } from "knex";
import { type Listener, listen, notify } from "../pool/listen.ts";

/** The channel on which appends publish the new heads of rooms: `roomId:seq roomId:seq …`. */
export const WAKE_UP_CHANNEL = "chattera";

/**
 * Carries wake-ups between nodes, over PostgreSQL's NOTIFY or over a message bus. A wake-up names
 * rooms that have new events. Losing one delays these events until the next wake-up or the next
 * sweep, but never loses them.
 */
export type WakeUps = {
  /**
   * Whether these are PostgreSQL's notifications. An append then sends its own, within its commit.
   */
  isNotify: boolean;
  /**
   * Subscribes to `channels` until the connection ends, then calls `onEnd` once. Throws if it
   * cannot connect.
   */
  listen(
    channels: string[],
    onNotification: (channel: string, payload: string) => void,
    onEnd: (error?: Error) => void,
  ): Promise<Listener>;
  /** Publishes to every subscriber, this node included. The payload is limited to 8000 bytes. */
  publish(channel: string, payload: string): Promise<void>;
};

/** Returns wake-ups that LISTEN on a connection of their own to `url` and NOTIFY over the pool. */
export function postgresWakeUps(db: Knex, url: string): WakeUps {
  return {
    isNotify: true,
    listen: (channels, onNotification, onEnd) => listen(url, { channels, onNotification, onEnd }),
    publish: (channel, payload) => notify(db, channel, payload),
  };
}

/**
 * Returns the channel that an append's statement notifies, or null if publishHeads() publishes
 * instead.
 */
export function notifyChannelOf(wakeUps: WakeUps | undefined): string | null {
  return wakeUps === undefined || wakeUps.isNotify ? WAKE_UP_CHANNEL : null;
}

/**
 * Publishes the new heads of rooms, unless the statement has notified already. Within a
 * transaction, waits for its commit: before that, no other node could read the events.
 */
export async function publishHeads(
  db: Knex | Knex.Transaction,
  wakeUps: WakeUps | undefined,
  heads: { room_id: number; seq: number }[],
): Promise<void> {
  if (wakeUps === undefined || wakeUps.isNotify || heads.length === 0) return;
  const newest = new Map<number, number>();
  for (const { room_id, seq } of heads) newest.set(room_id, Math.max(seq, newest.get(room_id) ?? 0));
  const payload = [...newest].map(([roomId, seq]) => `${roomId}:${seq}`).join(" ");
  const publish = () => wakeUps.publish(WAKE_UP_CHANNEL, payload);
  if (!isTransaction(db)) return publish();
  // After a rollback there is nothing to publish, and its error reaches the caller of the
  // transaction.
  void db.executionPromise.then(publish).catch(() => undefined);
}

function isTransaction(db: Knex | Knex.Transaction): db is Knex.Transaction {
  return db.isTransaction === true;
}
