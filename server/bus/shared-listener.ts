import cluster, { type Worker } from "node:cluster";
import type { Knex } from "knex";
import type { DatabaseAddress } from "../../db/address.ts";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import { type GrowingListener, listen, notify } from "../../db/pool/listen.ts";

/** A worker's message to its primary; `call` is the number of its call of listen(). */
type WorkerMessage = { call: number; listen?: string[]; close?: true };

/** The primary's message to a worker about that call. */
type PrimaryMessage = { call: number } & (
  | { isListening: true }
  | { notification: { channel: string; payload: string } }
  | { ended: string | undefined }
);

/** A listening connection to the database, and the workers that share it. */
type SharedConnection = {
  listener: Promise<GrowingListener>;
  subscribers: Map<Worker, { call: number; channels: string[] }>;
};

/**
 * Listens to a database for all workers of this process on one connection. With four workers, a
 * notification costs an eighth less; see docs/scale.md. Each worker still sends its own probes.
 */
export function shareListener(address: DatabaseAddress): { stop(): Promise<void> } {
  let current: SharedConnection | undefined;
  cluster.on("message", onMessage);
  cluster.on("disconnect", unsubscribe);

  return { stop };

  function onMessage(worker: Worker, message: WorkerMessage): void {
    if (message?.listen) void subscribe(worker, message.call, message.listen);
    else if (message?.close) unsubscribe(worker);
  }

  /**
   * A worker that misses its probes unsubscribes and subscribes again. That sends a query, and a
   * dead connection does not answer it within 5 s, so it ends for all workers.
   */
  async function subscribe(worker: Worker, call: number, channels: string[]): Promise<void> {
    current ??= open();
    const shared = current;
    shared.subscribers.set(worker, { call, channels });
    try {
      await (await shared.listener).subscribe(channels);
      send(worker, { call, isListening: true });
    } catch (error) {
      void end(shared, (error as Error).message);
    }
  }

  function open(): SharedConnection {
    const shared: SharedConnection = {
      listener: listen(address, {
        channels: [],
        onNotification: (channel, payload) => passOn(shared, channel, payload),
        onEnd: (error) => void end(shared, error?.message),
      }),
      subscribers: new Map(),
    };
    return shared;
  }

  function unsubscribe(worker: Worker): void {
    if (current?.subscribers.delete(worker) && current.subscribers.size === 0) void end(current);
  }

  async function stop(): Promise<void> {
    cluster.off("message", onMessage);
    cluster.off("disconnect", unsubscribe);
    if (current) await end(current);
  }

  async function end(shared: SharedConnection, reason?: string): Promise<void> {
    if (current === shared) current = undefined;
    for (const [worker, { call }] of shared.subscribers) send(worker, { call, ended: reason });
    shared.subscribers.clear();
    const listener = await shared.listener.catch(() => undefined);
    await listener?.close();
  }
}

function passOn({ subscribers }: SharedConnection, channel: string, payload: string): void {
  for (const [worker, { call, channels }] of subscribers)
    if (channels.includes(channel)) send(worker, { call, notification: { channel, payload } });
}

function send(worker: Worker, message: PrimaryMessage): void {
  if (worker.isConnected()) worker.send(message);
}

/**
 * Returns the wake-ups of a worker: the primary listens for them, and the worker publishes its own
 * over its pool.
 */
export function sharedWakeUps(db: Knex): WakeUps {
  let calls = 0;
  return { isNotify: true, listen: listenByPrimary, publish: (channel, payload) => notify(db, channel, payload) };

  function listenByPrimary(
    channels: string[],
    onNotification: (channel: string, payload: string) => void,
    onEnd: (error?: Error) => void,
  ): Promise<{ close(): Promise<void> }> {
    calls += 1;
    const call = calls;
    return new Promise((resolve, reject) => {
      let isListening = false;
      process.on("message", onMessage);
      if (!sendToPrimary({ call, listen: channels })) onEnded(new Error("no connection to the primary process"));

      function onMessage(message: PrimaryMessage): void {
        if (message.call !== call) return;
        if ("notification" in message) onNotification(message.notification.channel, message.notification.payload);
        else if ("ended" in message) onEnded(new Error(message.ended ?? "the listening connection ended"));
        else {
          isListening = true;
          resolve({ close });
        }
      }

      async function close(): Promise<void> {
        process.off("message", onMessage);
        sendToPrimary({ call, close: true });
      }

      function onEnded(error: Error): void {
        process.off("message", onMessage);
        if (isListening) onEnd(error);
        else reject(error);
      }
    });
  }
}

/** Returns `false` if the primary cannot be reached. */
function sendToPrimary(message: WorkerMessage): boolean {
  if (!process.connected) return false;
  process.send?.(message);
  return true;
}
