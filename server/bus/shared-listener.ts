import cluster, { type Worker } from "node:cluster";
import type { Knex } from "knex";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import { type GrowingListener, listen, notify } from "../../db/pool/listen.ts";

/** What a worker says to its primary; `ask` is the number of its call of listen(). */
type Asked = { ask: number; listen?: string[]; close?: true };

/** What it is told of that call. */
type Told = { ask: number } & (
  | { isListening: true }
  | { heard: { channel: string; payload: string } }
  | { ended: string | undefined }
);

/** A connection to the database, and the workers for which it hears. */
type Shared = {
  listener: Promise<GrowingListener>;
  hearers: Map<Worker, { ask: number; channels: string[] }>;
};

/**
 * Listens at `url` for all workers of this process on one connection: four pay an eighth less for a
 * notification, see docs/scale.md. Each worker still probes it for itself.
 */
export function shareListener(url: string): { stop(): Promise<void> } {
  let current: Shared | undefined;
  cluster.on("message", onMessage);
  cluster.on("disconnect", letGo);

  return { stop };

  function onMessage(worker: Worker, asked: Asked): void {
    if (asked?.listen) void listenFor(worker, asked.ask, asked.listen);
    else if (asked?.close) letGo(worker);
  }

  /**
   * Who found it deaf lets go and asks anew. That is a question to the database: a connection that
   * is dead does not answer it within 5 s, and ends for everybody.
   */
  async function listenFor(worker: Worker, ask: number, channels: string[]): Promise<void> {
    current ??= open();
    const shared = current;
    shared.hearers.set(worker, { ask, channels });
    try {
      await (await shared.listener).subscribe(channels);
      tell(worker, { ask, isListening: true });
    } catch (error) {
      void end(shared, (error as Error).message);
    }
  }

  function open(): Shared {
    const shared: Shared = {
      listener: listen(url, {
        channels: [],
        onNotification: (channel, payload) => hand(shared, channel, payload),
        onEnd: (error) => void end(shared, error?.message),
      }),
      hearers: new Map(),
    };
    return shared;
  }

  function letGo(worker: Worker): void {
    if (current?.hearers.delete(worker) && current.hearers.size === 0) void end(current);
  }

  async function stop(): Promise<void> {
    cluster.off("message", onMessage);
    cluster.off("disconnect", letGo);
    if (current) await end(current);
  }

  async function end(shared: Shared, why?: string): Promise<void> {
    if (current === shared) current = undefined;
    for (const [worker, { ask }] of shared.hearers) tell(worker, { ask, ended: why });
    shared.hearers.clear();
    const listener = await shared.listener.catch(() => undefined);
    await listener?.close();
  }
}

function hand({ hearers }: Shared, channel: string, payload: string): void {
  for (const [worker, { ask, channels }] of hearers)
    if (channels.includes(channel)) tell(worker, { ask, heard: { channel, payload } });
}

function tell(worker: Worker, told: Told): void {
  if (worker.isConnected()) worker.send(told);
}

/**
 * Wake-ups that the primary hears for this worker; they are told over the pool, by each for itself.
 */
export function sharedWakeUps(db: Knex): WakeUps {
  let asks = 0;
  return { isNotify: true, listen: ask, publish: (channel, payload) => notify(db, channel, payload) };

  function ask(
    channels: string[],
    onNotification: (channel: string, payload: string) => void,
    onEnd: (error?: Error) => void,
  ): Promise<{ close(): Promise<void> }> {
    asks += 1;
    const mine = asks;
    return new Promise((resolve, reject) => {
      let isListening = false;
      process.on("message", onTold);
      if (!say({ ask: mine, listen: channels })) onEnded(new Error("there is no primary to ask"));

      function onTold(told: Told): void {
        if (told.ask !== mine) return;
        if ("heard" in told) onNotification(told.heard.channel, told.heard.payload);
        else if ("ended" in told) onEnded(new Error(told.ended ?? "the connection ended"));
        else {
          isListening = true;
          resolve({ close });
        }
      }

      async function close(): Promise<void> {
        process.off("message", onTold);
        say({ ask: mine, close: true });
      }

      function onEnded(error: Error): void {
        process.off("message", onTold);
        if (isListening) onEnd(error);
        else reject(error);
      }
    });
  }
}

/** `false` where nobody hears it. */
function say(asked: Asked): boolean {
  if (!process.connected) return false;
  process.send?.(asked);
  return true;
}
