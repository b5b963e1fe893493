import { setTimeout } from "node:timers/promises";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { WakeUps } from "../../db/log/wake-ups.ts";

/** The same time as for PostgreSQL's listening connection. */
const CONNECT_MS = 5_000;

/**
 * Carries wake-ups over NATS at `url` (`nats://user:password@host:4222`), on subjects that begin
 * with `prefix`. Core NATS keeps no messages for absent subscribers, and need not. The bus
 * reconnects, as it does with PostgreSQL.
 */
export function natsWakeUps(url: string, prefix: string): WakeUps {
  let current: NatsConnection | undefined;
  return { isNotify: false, listen, publish };

  async function listen(
    channels: string[],
    onNotification: (channel: string, payload: string) => void,
    onEnd: (error?: Error) => void,
  ): Promise<{ close(): Promise<void> }> {
    const connection = await connect({ ...serverOf(url), name: "chattera", reconnect: false, timeout: CONNECT_MS });
    for (const channel of channels)
      connection.subscribe(`${prefix}.${channel}`, {
        callback: (error, message) => {
          // An error is the connection's, which reports it when it ends.
          if (!error) onNotification(channel, message.string());
        },
      });
    // Until NATS has taken the subscriptions, this node would miss its own wake-ups.
    try {
      await Promise.race([connection.flush(), connection.closed().then(fail), failLate()]);
    } catch (error) {
      void connection.close();
      throw error;
    }
    current = connection;
    let isClosed = false;
    void connection.closed().then((error) => {
      if (current === connection) current = undefined;
      if (!isClosed) onEnd(error ?? undefined);
    });
    return {
      close: () => {
        isClosed = true;
        return connection.close();
      },
    };
  }

  /** Does nothing without a connection: the sweep finds rooms with events. */
  async function publish(channel: string, payload: string): Promise<void> {
    if (current && !current.isClosed()) current.publish(`${prefix}.${channel}`, payload);
  }
}

/**
 * A server that stops answering here would be noticed only by the client's own pings, minutes
 * later.
 */
async function failLate(): Promise<never> {
  await setTimeout(CONNECT_MS, undefined, { ref: false });
  return fail();
}

function fail(error?: unknown): never {
  throw error instanceof Error ? error : new Error("NATS did not answer");
}

/** The client library takes user and password apart from the address. */
function serverOf(url: string): { servers: string; user?: string; pass?: string; tls?: object } {
  const { protocol, hostname, port, username, password } = new URL(url);
  return {
    servers: `${hostname}:${port || 4222}`,
    ...(username && { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
    ...(protocol === "tls:" && { tls: {} }),
  };
}
