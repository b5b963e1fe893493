import { setTimeout } from "node:timers/promises";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { WakeUps } from "../../db/log/wake-ups.ts";

/** As long as PostgreSQL's listener is given. */
const CONNECT_MS = 5_000;

/**
 * Wake-ups over NATS at `url` (`nats://user:password@host:4222`), on subjects that begin with
 * `prefix`. Core NATS: what is told while somebody is away is not kept for him, and need not be.
 * Reconnecting is the bus's, as with PostgreSQL.
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
          // an error is the connection's, which tells it at its end
          if (!error) onNotification(channel, message.string());
        },
      });
    // so that nothing is told that those who listen, this node first, do not hear
    try {
      await Promise.race([connection.flush(), connection.closed().then(giveUp), giveUpLate()]);
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

  /** Without a connection nobody is told: who has news is found by the sweep. */
  async function publish(channel: string, payload: string): Promise<void> {
    if (current && !current.isClosed()) current.publish(`${prefix}.${channel}`, payload);
  }
}

/**
 * A server that falls silent here would be waited for until the client's own pings miss it, minutes
 * later.
 */
async function giveUpLate(): Promise<never> {
  await setTimeout(CONNECT_MS, undefined, { ref: false });
  return giveUp();
}

function giveUp(error?: unknown): never {
  throw error instanceof Error ? error : new Error("NATS did not answer");
}

/** The client takes the name and the password beside the address. */
function serverOf(url: string): { servers: string; user?: string; pass?: string; tls?: object } {
  const { protocol, hostname, port, username, password } = new URL(url);
  return {
    servers: `${hostname}:${port || 4222}`,
    ...(username && { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
    ...(protocol === "tls:" && { tls: {} }),
  };
}
