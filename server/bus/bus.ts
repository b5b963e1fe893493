import { WAKE_UP_CHANNEL, type WakeUps } from "../../db/log/wake-ups.ts";
import type { Listener } from "../../db/pool/listen.ts";
import type { Logger } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { causeOf } from "../outage.ts";

/**
 * A probe every 3 s, overdue after 9 s: a listening connection that died silently is noticed within
 * 10 s.
 */
const PROBE_MS = 3_000;
const OVERDUE_MS = 9_000;

/** The safety net: all open rooms are read once in this time even without a notification. */
const SWEEP_MS = 5_000;

/**
 * The same while no notification arrives: then the sweep alone brings messages, and they are this
 * late.
 */
const SWEEP_ALONE_MS = 1_000;

/** The timer runs every second, now and then a little early. Work due within the slack is due. */
const TIMER_MS = 1_000;
const SLACK_MS = 100;

/**
 * Where no notification ever arrived, the bus reconnects at this pace; elsewhere after 0.1 to 5 s
 * with full jitter.
 */
const HOPELESS_RETRY_MS = 60_000;

/**
 * A node that has listened before is unready for this long while no notification arrives. After
 * that it counts as deaf for good: it reads the log every second, which is worth more than a node
 * that no balancer sends anyone to.
 */
const DEAF_MS = 30_000;

type Dependencies = {
  wakeUps: WakeUps;
  /** The setting that says where notifications come from. */
  setting: string;
  /** Advice to an operator of a node at which none ever arrives. */
  hint: string;
  node: string;
  logger: Logger;
  metrics: Metrics;
  /**
   * These rooms may have events. Without a list any room may: notifications may have been missed,
   * or the sweep is due.
   */
  onWakeUp(roomIds?: number[]): void;
  /** The receivers of the payloads of all other channels, by channel. */
  subscribers: { [channel: string]: (payload: string) => void };
};

/**
 * Receives wake-ups. A wake-up says only which rooms have events, so a lost one costs delay and
 * never an event: the next one, a reconnect, which wakes all open rooms, or the sweep makes up for
 * it.
 */
export class Bus {
  readonly #deps: Dependencies;
  readonly #probeChannel: string;
  #listener: Listener | undefined;
  #notifiedAt = Number.NEGATIVE_INFINITY;
  #probedAt = Number.NEGATIVE_INFINITY;
  #sweptAt = performance.now();
  /** When the database last took a probe. */
  #publishedAt = Number.NEGATIVE_INFINITY;
  /** Since when it takes each of them. */
  #publishingSince = performance.now();
  /** Since when no notification arrives; `undefined` while the bus is listening. */
  #deafSince: number | undefined = performance.now();
  #cause: string | undefined;
  #isProbing = false;
  #hasEverListened = false;
  /** Has it warned that no notification arrives? */
  #hasWarned = false;
  #failures = 0;
  #isStopped = false;
  #retry: NodeJS.Timeout | undefined;
  readonly #timer = setInterval(() => this.#onTimer(), TIMER_MS).unref();

  constructor(deps: Dependencies) {
    this.#deps = deps;
    this.#probeChannel = `chattera_probe_${deps.node}`;
  }

  /** Begins to listen, and wakes all open rooms. Retries until it succeeds. */
  async start(): Promise<void> {
    const { wakeUps, subscribers, onWakeUp } = this.#deps;
    const channels = [WAKE_UP_CHANNEL, this.#probeChannel, ...Object.keys(subscribers)];
    try {
      this.#listener = await wakeUps.listen(
        channels,
        (channel, payload) => this.#onNotification(channel, payload),
        (error) => this.#onEnd(error),
      );
      if (this.#isStopped) return await this.#listener.close();
      // Counted as a notification, so that the probe has its 9 s to arrive.
      this.#notifiedAt = performance.now();
      this.#probe();
      onWakeUp();
    } catch (error) {
      this.#onEnd(error as Error);
    }
  }

  /** Returns whether notifications arrive. */
  isListening(): boolean {
    return this.#listener !== undefined && this.#hasEverListened && performance.now() - this.#notifiedAt < OVERDUE_MS;
  }

  /**
   * Returns whether delivery works as well as it can here, by notification or by reading every
   * second.
   */
  isReady(): boolean {
    return this.isListening() || this.#hasWarned;
  }

  /** Listens no more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    clearTimeout(this.#retry);
    await this.#listener?.close();
  }

  #onNotification(channel: string, payload: string): void {
    this.#notifiedAt = performance.now();
    if (channel === this.#probeChannel) this.#onProbe();
    else if (channel !== WAKE_UP_CHANNEL) this.#deps.subscribers[channel]?.(payload);
    else this.#deps.onWakeUp(payload.split(" ").map((head) => Number(head.slice(0, head.indexOf(":")))));
  }

  #onProbe(): void {
    this.#logListening();
    this.#hasEverListened = true;
    this.#deafSince = undefined;
    this.#cause = undefined;
    this.#hasWarned = false;
    this.#failures = 0;
    this.#deps.metrics.busListening.set(1);
  }

  #onTimer(): void {
    const now = performance.now();
    if (now - this.#probedAt >= PROBE_MS - SLACK_MS) this.#probe();
    if (this.#listener && now - this.#notifiedAt > OVERDUE_MS) this.#onOverdue();
    if (this.#isDeaf(now)) this.#warn();
    if (now - this.#sweptAt < (this.isListening() ? SWEEP_MS : SWEEP_ALONE_MS) - SLACK_MS) return;
    this.#sweptAt = now;
    this.#deps.onWakeUp();
  }

  /**
   * Sends a probe by the way of every wake-up; one at a time, for a database that does not answer.
   */
  #probe(): void {
    if (this.#isProbing) return;
    this.#isProbing = true;
    this.#probedAt = performance.now();
    this.#deps.wakeUps
      .publish(this.#probeChannel, "")
      .then(() => {
        const now = performance.now();
        if (now - this.#publishedAt > OVERDUE_MS) this.#publishingSince = now;
        this.#publishedAt = now;
      })
      .catch((error) => this.#deps.logger.debug({ err: error }, "bus probe not sent"))
      .finally(() => {
        this.#isProbing = false;
      });
  }

  #onOverdue(): void {
    void this.#listener?.close();
    this.#onEnd(new Error("no notification for 9 s"));
  }

  /**
   * Returns whether probes are sent and none has arrived for long. If not even the probes can be
   * sent, the database is away, and the bus may be fine.
   */
  #isDeaf(now: number): boolean {
    const patienceMs = this.#hasEverListened ? DEAF_MS : OVERDUE_MS;
    // After an outage of the database, the listener has its time to reconnect.
    const deafSince = Math.max(this.#deafSince ?? now, this.#publishingSince);
    return !this.#hasWarned && now - deafSince > patienceMs && now - this.#publishedAt < OVERDUE_MS;
  }

  #warn(): void {
    const { hint, logger, setting } = this.#deps;
    this.#hasWarned = true;
    const cause = this.#cause;
    const what = cause === undefined ? "no wake-up arrives" : `${setting} cannot be listened to`;
    logger.warn({ cause }, `${what}, so this node reads the log every second. ${hint}`);
  }

  #logListening(): void {
    if (this.#hasEverListened && this.#deafSince === undefined) return;
    const seconds = Math.round((performance.now() - (this.#deafSince ?? 0)) / 100) / 10;
    this.#deps.logger.info(this.#hasEverListened ? { seconds } : {}, "listening for wake-ups");
  }

  #onEnd(error?: Error): void {
    const { metrics, logger, setting } = this.#deps;
    const wasListening = this.#listener !== undefined;
    this.#listener = undefined;
    metrics.busListening.set(0);
    if (this.#isStopped) return;
    this.#deafSince ??= performance.now();
    this.#failures += 1;
    metrics.relistens.inc();
    logger.debug({ err: error }, "bus connection ended");
    // A connection that is refused again and again is lost once.
    this.#cause = wasListening || error === undefined ? undefined : causeOf(error);
    if (this.#failures === 1 && !this.#hasWarned)
      logger.warn({ cause: error && causeOf(error) }, `bus connection to ${setting} lost; reconnecting`);
    const isHopeless = this.#hasWarned && !this.#hasEverListened;
    const retryMs = isHopeless ? HOPELESS_RETRY_MS : 100 + Math.random() * Math.min(5_000, 100 * 2 ** this.#failures);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.start(), retryMs).unref();
  }
}
