import { setTimeout } from "node:timers/promises";
import type { Knex } from "knex";
import pg from "pg";

/** A goodbye is waited for this long: a half-open connection never answers it. */
const GOODBYE_MS = 1_000;

/** A connection of its own that hears notifications. pg's pool hands connections round, and LISTEN holds for one. */
export type Listener = { close(): Promise<void> };

/** One that may be asked to hear more; who asks again for what it hears already asks for nothing. */
export type GrowingListener = Listener & { hear(channels: string[]): Promise<void> };

/**
 * Listens on `channels` until the connection ends; then, once, calls `onEnd`. Connecting takes 5 s at most. Throws when
 * it cannot.
 *
 * A connection may die without a word (a proxy that forgets it, a cable): the caller must probe it, see bus.ts.
 */
export async function listen(
  url: string,
  channels: string[],
  onNotification: (channel: string, payload: string) => void,
  onEnd: (error?: Error) => void,
): Promise<GrowingListener> {
  const client = new pg.Client({
    connectionString: url,
    application_name: "chattera listener",
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
    keepAlive: true,
  });
  let ended = false;
  const end = (error?: Error) => {
    if (ended) return;
    ended = true;
    void goodbye(client);
    onEnd(error);
  };
  client.on("error", () => undefined); // until it listens, whoever awaits it is told
  client.on("notification", ({ channel, payload }) => onNotification(channel, payload ?? ""));
  try {
    await client.connect();
    await hear(channels);
  } catch (error) {
    void goodbye(client);
    throw error;
  }
  client.on("error", end);
  client.on("end", () => end());
  return {
    hear,
    close: () => {
      ended = true;
      return goodbye(client);
    },
  };

  async function hear(more: string[]): Promise<void> {
    for (const channel of more) await client.query(`listen ${pg.escapeIdentifier(channel)}`);
  }
}

function goodbye(client: pg.Client): Promise<void> {
  return Promise.race([client.end(), setTimeout(GOODBYE_MS, undefined, { ref: false })]);
}

/** Sends one notification; the payload is at most 8000 bytes. */
export async function notify(db: Knex, channel: string, payload: string): Promise<void> {
  await db.raw("select pg_notify(?, ?)", [channel, payload]);
}
