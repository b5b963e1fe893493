import type { WakeUps } from "../../db/log/wake-ups.ts";
import { WAKE_UP_CHANNEL } from "../../db/log/wake-ups.ts";
import type { Listener } from "../../db/pool/listen.ts";
import type { Logger } from "../log.ts";
import type { Metrics } from "../metrics.ts";

/** A node's ear for wake-ups. */
export type Bus = {
  start(): Promise<void>;
  /** Do notifications arrive? */
  hears(): boolean;
  /** Do messages arrive as well as they ever will: by notification, or where none ever comes by asking each second? */
  isSound(): boolean;
  stop(): Promise<void>;
};

type Surroundings = {
  wakeUps: WakeUps;
  /** The setting that says where they come from. */
  setting: string;
  /** What may be wrong where none ever comes. */
  hint: string;
  node: string;
  logger: Logger;
  metrics: Metrics;
  /** These rooms have events; without a list, any room may: the bus was deaf, or the slow sweep is due. */
  onNews: (roomIds?: number[]) => void;
  /** Listeners for the payloads of the other channels, by channel. */
  subscribers: { [channel: string]: (payload: string) => void };
};

/** A probe every 3 s, missed for 9 s: a listener that died in silence is noticed within 10 s. */
const PROBE_MS = 3_000;
const DEAF_MS = 9_000;

/** The safety net: all open rooms are asked for once in this time even when nothing was told. */
const SWEEP_MS = 5_000;

/** The same while the bus is deaf: then it is the only road, and messages are this late. */
const DEAF_SWEEP_MS = 1_000;

/** The clock ticks every second, now and then a little early: what is due within this is due. */
const TICK_MS = 1_000;
const SLACK_MS = 100;

/** Where nothing was ever heard, another try each time this passes; else full jitter of 0.1 to 5 s. */
const HOPELESS_RETRY_MS = 60_000;

/**
 * Hears wake-ups. A wake-up says only who has news, so a lost one costs delay and never an event: it is made good by
 * the next one, by the reconnect (which wakes every open room) or by the sweep.
 */
export function createBus({ wakeUps, setting, hint, node, logger, metrics, onNews, subscribers }: Surroundings): Bus {
  const probeChannel = `chattera_probe_${node}`;
  let listener: Listener | undefined;
  let heardAt = Number.NEGATIVE_INFINITY;
  let sweptAt = performance.now();
  let hasEverHeard = false;
  let hasWarned = false;
  let failures = 0;
  let isStopped = false;
  let retry: NodeJS.Timeout | undefined;
  const timer = setInterval(onTick, TICK_MS);
  timer.unref();
  let probedAt = Number.NEGATIVE_INFINITY;
  let isProbing = false;

  return { start: connect, hears, isSound: () => hears() || hasWarned, stop };

  async function connect(): Promise<void> {
    try {
      listener = await wakeUps.listen(
        [WAKE_UP_CHANNEL, probeChannel, ...Object.keys(subscribers)],
        onNotification,
        onEnd,
      );
      if (isStopped) return await listener.close();
      // counted as heard, so that the probe has its 9 s to prove otherwise
      heardAt = performance.now();
      probe();
      onNews();
    } catch (error) {
      onEnd(error as Error);
    }
  }

  function hears(): boolean {
    return listener !== undefined && hasEverHeard && performance.now() - heardAt < DEAF_MS;
  }

  function onNotification(channel: string, payload: string): void {
    heardAt = performance.now();
    if (channel === probeChannel) onProbe();
    else if (channel !== WAKE_UP_CHANNEL) subscribers[channel]?.(payload);
    else onNews(payload.split(" ").map((news) => Number(news.slice(0, news.indexOf(":")))));
  }

  function onProbe(): void {
    if (!hasEverHeard) logger.info("listening for wake-ups");
    hasEverHeard = true;
    hasWarned = false;
    failures = 0;
    metrics.busHears.set(1);
  }

  function onTick(): void {
    const now = performance.now();
    if (now - probedAt >= PROBE_MS - SLACK_MS) probe();
    if (listener && now - heardAt > DEAF_MS) onDeaf();
    if (now - sweptAt < (hears() ? SWEEP_MS : DEAF_SWEEP_MS) - SLACK_MS) return;
    sweptAt = now;
    onNews();
  }

  /** Takes the way of every wake-up; a database that is away gets one at a time. */
  function probe(): void {
    if (isProbing) return;
    isProbing = true;
    probedAt = performance.now();
    wakeUps
      .publish(probeChannel, "")
      .catch((error) => logger.debug({ err: error }, "the bus's probe could not be sent"))
      .finally(() => {
        isProbing = false;
      });
  }

  function onDeaf(): void {
    void listener?.close();
    if (!hasEverHeard && !hasWarned) {
      hasWarned = true;
      logger.warn(`no wake-up arrives, so this node reads the log every second. ${hint}`);
    }
    onEnd(new Error("the listening connection fell silent"));
  }

  function onEnd(error?: Error): void {
    listener = undefined;
    metrics.busHears.set(0);
    if (isStopped) return;
    failures += 1;
    metrics.relistens.inc();
    if (!hasWarned) logger.warn({ err: error }, `the bus has no connection to ${setting}; reconnecting`);
    const wait = hasWarned ? HOPELESS_RETRY_MS : 100 + Math.random() * Math.min(5_000, 100 * 2 ** failures);
    clearTimeout(retry);
    retry = setTimeout(() => void connect(), wait);
    retry.unref();
  }

  async function stop(): Promise<void> {
    isStopped = true;
    clearInterval(timer);
    clearTimeout(retry);
    await listener?.close();
  }
}
