import type { Environment } from "../base/environment.ts";
import { createBackoff } from "../network/backoff.ts";
import type { Hold } from "../network/hold.ts";
import type { Ledger } from "./ledger.ts";
import { type Link, type LinkEnding, openLink } from "./link.ts";
import type { Reading, Transport } from "./transport.ts";

// What is answered sooner than this though it was to be held is a cache's or a busy server's word.
const INSTANT_MS = 1_000;

/** One question after the other, while no stream carries. */
export type Poller = {
  /** Sees to it that a question is under way, or a time set for the next. */
  serve(): void;
  /** What is open is not to be trusted: asks anew, now. */
  retry(): void;
  /** A stream carries, or all is over. */
  stop(): void;
  /** The question that is under way. */
  link(): Link | undefined;
  /** The one that is under way has died in silence. */
  died(): void;
  /** The way of asking that works, or is to be tried next. */
  transport(): Transport;
};

/** What a poller needs and whom it tells. */
export type PollerOptions = {
  environment: Environment;
  /** Ways of asking; the next is tried where one is refused twice. */
  polls: Transport[];
  hold: Hold;
  ledger: Ledger;
  rttMs(): number;
  /** Is it known that the server can be reached? Then a question may be held; before, it is answered at once. */
  isLive(): boolean;
  reading(wait: number, graceMs: number): Reading;
  heard(): void;
  /** How long an answer took that nobody held. */
  measured(rttMs: number): void;
  answered(): void;
  /** Nobody of ours was reached. */
  failed(): void;
};

/** A poller that does nothing until it is asked to serve. */
export function createPoller(options: PollerOptions): Poller {
  const { environment, polls, hold, ledger } = options;
  const backoff = createBackoff(environment);
  let link: Link | undefined;
  let stopTimer: (() => void) | undefined;
  let way = 0;
  let refusals = 0;

  return {
    serve() {
      if (link === undefined && stopTimer === undefined) open();
    },
    retry() {
      stop();
      open();
    },
    stop,
    link: () => link,
    died() {
      if (link === undefined) return;
      hold.cut(environment.now() - link.openedAt, link.reading.wait, 0);
    },
    transport: () => polls[way] as Transport,
  };

  function open(): void {
    stopTimer = undefined;
    const wait = options.isLive() ? hold.seconds() : 0;
    const graceMs = hold.graceMs(options.rttMs());
    link = openLink(environment, polls[way] as Transport, options.reading(wait, graceMs), ledger, options.rttMs(), {
      heard: options.heard,
      proved() {},
      ended(ending) {
        link = undefined;
        if (ending.how === "answered" && wait === 0) options.measured(Math.max(1, ending.livedMs));
        if (ending.how === "answered") answered(wait, ending.news || ending.livedMs >= INSTANT_MS);
        else if (ending.how === "bye") later(ending.retryMs ?? 0);
        else failed(wait, graceMs, ending);
      },
    });
  }

  /** `meantWell`: it had something to say, or waited for it. */
  function answered(wait: number, meantWell: boolean): void {
    refusals = 0;
    hold.answered(wait);
    // A cache says "nothing" at once, time after time: do not spin.
    const spins = wait > 0 && !meantWell;
    if (!spins) backoff.reset();
    const wasFirst = !options.isLive();
    later(spins ? backoff.next() : hold.seconds() === 0 && !wasFirst ? hold.pauseMs : 0);
    options.answered();
  }

  function failed(wait: number, graceMs: number, ending: LinkEnding): void {
    hold.cut(ending.livedMs, wait, graceMs);
    refusals++;
    if (refusals % 2 === 0) way = (way + 1) % polls.length;
    // What has hung has waited already.
    const delayMs = backoff.next(ending.retryMs);
    later(ending.livedMs < INSTANT_MS ? delayMs : Math.max(0, delayMs - ending.livedMs));
    // What was held for a while and is cut was ours: the next attempt will tell whether the server is away.
    if (wait === 0 || ending.livedMs < INSTANT_MS || refusals > 1) options.failed();
  }

  function later(ms: number): void {
    stopTimer = environment.later(ms, open);
  }

  function stop(): void {
    stopTimer?.();
    stopTimer = undefined;
    link?.close();
    link = undefined;
  }
}
