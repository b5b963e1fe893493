import type { Knex } from "knex";
import { type Listener, listen, notify } from "../pool/listen.ts";

/**
 * How nodes wake each other: by the database's own NOTIFY, or by something beside it. A wake-up says only who has news,
 * and may be lost: that costs the time until the next one, or the sweep, and never an event.
 */
export type WakeUps = {
  /** Hears what is told on these channels until the connection ends; then, once, calls `onEnd`. Throws when it cannot. */
  listen(
    channels: string[],
    onNotification: (channel: string, payload: string) => void,
    onEnd: (error?: Error) => void,
  ): Promise<Listener>;
  /** Tells all who listen, this node too; at most 8000 bytes. */
  tell(channel: string, payload: string): Promise<void>;
};

/** LISTEN on a connection of its own to `url`, NOTIFY over the pool. */
export function postgresWakeUps(db: Knex, url: string): WakeUps {
  return {
    listen: (channels, onNotification, onEnd) => listen(url, channels, onNotification, onEnd),
    tell: (channel, payload) => notify(db, channel, payload),
  };
}

/** Has everything that is written over this pool told by these. Unset, an append tells by itself, in its own commit. */
export function tellBeside(db: Knex, wakeUps: WakeUps): void {
  db.userParams.wakeUps = wakeUps;
}

/** What tells beside the database, if anything does; also within a transaction of the pool. */
export function tellsBeside(db: Knex): WakeUps | undefined {
  return db.userParams.wakeUps;
}

/** Tells once what was written is committed: at once, or at the end of the transaction that `db` is. */
export async function tellWhenCommitted(
  db: Knex | Knex.Transaction,
  wakeUps: WakeUps,
  channel: string,
  payload: string,
): Promise<void> {
  if (!isTransaction(db)) return wakeUps.tell(channel, payload);
  const ignore = () => undefined; // undone, there is nothing to tell; who began it is told why
  void db.executionPromise.then(() => wakeUps.tell(channel, payload)).catch(ignore);
}

function isTransaction(db: Knex | Knex.Transaction): db is Knex.Transaction {
  return db.isTransaction === true;
}
