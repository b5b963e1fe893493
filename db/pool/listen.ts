import { setTimeout } from "node:timers/promises";
import type { Knex } from "knex";
import pg from "pg";
import { type DatabaseAddress, settingsOf } from "../address.ts";
import { pinSettings } from "./session-settings.ts";
import { execute } from "./statement.ts";

/** Closing waits this long for the server: a half-open connection never answers. */
const CLOSE_MS = 1_000;

/**
 * A connection that receives notifications. It is not part of the pool, because LISTEN holds for
 * one connection.
 */
export type Listener = { close(): Promise<void> };

/** A listener that can subscribe to more channels. Subscribing to a channel twice has no effect. */
export type GrowingListener = Listener & { subscribe(channels: string[]): Promise<void> };

/**
 * The channels to subscribe to, and the callbacks. `onEnd` is called once, when the connection has
 * ended.
 */
export type Subscription = {
  channels: string[];
  onNotification: (channel: string, payload: string) => void;
  onEnd: (error?: Error) => void;
};

/**
 * Listens until the connection ends. Throws if it cannot connect within 5 s.
 *
 * A connection can die unnoticed, for example in a proxy that drops it, so the caller must probe
 * it; see bus.ts.
 */
export async function listen(address: DatabaseAddress, subscription: Subscription): Promise<GrowingListener> {
  const { channels, onNotification, onEnd } = subscription;
  const client = new pg.Client({
    ...settingsOf(address),
    application_name: "chattera listener",
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
    keepAlive: true,
  });
  // In the round trip of the first LISTEN.
  let pins = [pinSettings(0)];
  let hasEnded = false;
  const onceEnded = (error?: Error) => {
    if (hasEnded) return;
    hasEnded = true;
    void end(client);
    onEnd(error);
  };
  client.on("error", () => undefined); // Until it listens, errors reject the call of listen().
  client.on("notification", ({ channel, payload }) => onNotification(channel, payload ?? ""));
  try {
    await client.connect();
    await subscribe(channels);
  } catch (error) {
    void end(client);
    throw error;
  }
  client.on("error", onceEnded);
  client.on("end", () => onceEnded());
  return {
    subscribe,
    close: () => {
      hasEnded = true;
      return end(client);
    },
  };

  async function subscribe(more: string[]): Promise<void> {
    const listens = more.map((channel) => `listen ${pg.escapeIdentifier(channel)}`);
    await client.query([...pins, ...listens].join("; "));
    pins = [];
  }
}

function end(client: pg.Client): Promise<void> {
  return Promise.race([client.end(), setTimeout(CLOSE_MS, undefined, { ref: false })]);
}

/** Sends a notification over the pool. The payload is limited to 8000 bytes. */
export async function notify(db: Knex, channel: string, payload: string): Promise<void> {
  await execute(db, "select pg_notify(?, ?)", [channel, payload]);
}
