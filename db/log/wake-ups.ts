import type { Knex } from "knex";
import { type DatabaseAddress, DEFAULT_SCHEMA } from "../address.ts";
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
  /** The channel that an append's own notification is sent on, if not WAKE_UP_CHANNEL. */
  appendChannel?: string;
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

/** Returns wake-ups that LISTEN on a connection of their own, and NOTIFY over the pool. */
export function postgresWakeUps(db: Knex, address: DatabaseAddress): WakeUps {
  return {
    isNotify: true,
    listen: (channels, onNotification, onEnd) => listen(address, { channels, onNotification, onEnd }),
    publish: (channel, payload) => notify(db, channel, payload),
  };
}

/**
 * Returns the same wake-ups on channels of the site's own, unless its schema is the default one.
 * The sites of a database share its channels, and each would take the rooms of another for its own.
 */
export function ofSchema(wakeUps: WakeUps, schema: string): WakeUps {
  if (schema === DEFAULT_SCHEMA) return wakeUps;
  const suffix = `@${schema}`;
  return {
    isNotify: wakeUps.isNotify,
    appendChannel: WAKE_UP_CHANNEL + suffix,
    listen: (channels, onNotification, onEnd) => {
      const onOwn = (channel: string, payload: string) => onNotification(channel.slice(0, -suffix.length), payload);
      return wakeUps.listen(
        channels.map((channel) => channel + suffix),
        onOwn,
        onEnd,
      );
    },
    publish: (channel, payload) => wakeUps.publish(channel + suffix, payload),
  };
}

/**
 * Returns the channel that an append's statement notifies, or null if publishHeads() publishes
 * instead.
 */
export function notifyChannelOf(wakeUps: WakeUps | undefined): string | null {
  return wakeUps === undefined || wakeUps.isNotify ? (wakeUps?.appendChannel ?? WAKE_UP_CHANNEL) : null;
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
