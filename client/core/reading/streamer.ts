import type { Environment } from "../base/environment.ts";
import { createBackoff } from "../network/backoff.ts";
import { createLadder } from "../network/ladder.ts";
import type { Memory } from "../network/memory.ts";
import { createPace } from "../network/pace.ts";
import { type Confirm, createConfirmation } from "./confirm.ts";
import type { Ledger } from "./ledger.ts";
import { type Link, type LinkEnding, openLink } from "./link.ts";
import type { Reading, Transport } from "./transport.ts";

const SHORT_LIFE_MS = 5_000;
const RENEW_AGAIN_MS = 30_000;

/** The stream that carries, and the one that is being proved beside what carries. */
export type Streamer = {
  /** The proved stream. */
  link(): Link | undefined;
  isProving(): boolean;
  /** Is a stream carrying, or still to be hoped for? */
  hasHope(): boolean;
  /** Opens a stream to be proved if one is due: the first, a better one, or the successor of one that grows old. */
  prove(): void;
  /** The rooms have changed: the stream is to be renewed at once. */
  renew(): void;
  /** The stream that is being proved, or a confirmation, is in the way of something: it is tried later. */
  putOff(): void;
  /** A poll was answered: what waited for the server is due. */
  polled(): void;
  /** Lets go of the stream that carries; `isMute`: its rung is to blame; `fellSilent`: a pause was too long for the way. */
  drop(isMute: boolean, fellSilent: boolean): void;
  /** Lets go of all streams. */
  close(): void;
};

/** What a streamer needs and whom it tells. */
export type StreamerOptions = {
  environment: Environment;
  memory: Memory;
  ledger: Ledger;
  rttMs(): number;
  hidden(): boolean;
  /** May another request be under way now, besides what carries? */
  mayProve(): boolean;
  reading(pingSeconds: number, late: boolean): Reading;
  /** Something came; `carries`: by the stream that carries. */
  heard(carries: boolean): void;
  /** This stream carries from now on. */
  proved(link: Link): void;
  /** The one that carried is gone; its successor is due in `retryMs`. */
  lost(retryMs: number): void;
  /** A rung was given up, or another one is to be tried. */
  judged(): void;
  /** Finds out whether the server answers others after `since`; then it is the network that does not carry this stream. */
  isReachable(answered: (is: boolean) => void, since: number): void;
};

/** Makes the streamer of a session. */
export type Streaming = (options: StreamerOptions) => Streamer;

/**
 * Returns the streaming of a session that uses these streams, the best first, where the network allows it. `confirm`
 * confirms to the site that one of them arrives.
 */
export function streamingBy(streams: Transport[], confirm: Confirm): Streaming {
  return (options) => createStreamer(streams, confirm, options);
}

/** For a session that only polls. */
export function noStreaming(): Streamer {
  return {
    link() {
      return undefined;
    },
    isProving: () => false,
    hasHope: () => false,
    prove: nothing,
    renew: nothing,
    putOff: nothing,
    polled: nothing,
    drop: nothing,
    close: nothing,
  };
}

/** A streamer that does nothing until it is asked to prove. */
function createStreamer(streams: Transport[], confirm: Confirm, options: StreamerOptions): Streamer {
  const { environment, memory, ledger } = options;
  const ladder = createLadder(environment, streams.length, memory);
  const pace = createPace(environment, memory);
  const backoff = createBackoff(environment);
  const confirmation = createConfirmation(environment, confirm, () => candidate === undefined && options.mayProve());
  let stream: Link | undefined;
  let streamRung = 0;
  let candidate: Link | undefined;
  let proveAt = 0;
  let renewAt = 0;
  /** The last stream found no server: the next one waits until another request does; or none, while one carries. */
  let waitsForServer = false;
  let late = memory.known.late === true;

  return {
    link: () => stream,
    isProving: () => candidate !== undefined,
    hasHope: () => stream !== undefined || candidate !== undefined || ladder.rung() < streams.length,
    prove,
    renew() {
      renewAt = 0;
      putOff();
      prove();
    },
    putOff,
    polled() {
      ladder.polled();
      waitsForServer = false;
    },
    drop(isMute, fellSilent) {
      if (fellSilent) pace.fellSilent();
      letGo();
      if (isMute) ladder.failed(streamRung, "mute");
      proveAt = environment.now();
    },
    close() {
      letGo();
      putOff();
      waitsForServer = false;
      proveAt = 0;
    },
  };

  function letGo(): void {
    stream?.close();
    stream = undefined;
    confirmation.stop();
  }

  function putOff(): void {
    candidate?.close();
    candidate = undefined;
    confirmation.stop();
  }

  function prove(): void {
    const rung = dueRung();
    if (rung === undefined || candidate !== undefined || !options.mayProve()) return;
    if (waitsForServer && stream === undefined) return;
    // A clock that was set back must not put it off for hours.
    if (proveAt - environment.now() > RENEW_AGAIN_MS) proveAt = environment.now();
    if (environment.now() < proveAt) return;
    if (stream !== undefined && renewAt > 0 && rung === streamRung) pace.lasted();
    renewAt = 0;
    const pingSeconds = options.hidden() ? 0 : pace.pingSeconds();
    const reading = options.reading(pingSeconds, late);
    // The second request is this one, which is a sign of life too.
    confirmation.stop();
    const link: Link = openLink(environment, streams[rung] as Transport, reading, ledger, options.rttMs(), {
      heard() {
        options.heard(link === stream);
        if (link === stream) confirmation.heard(link);
      },
      proved: () => promote(link, rung),
      ended(ending) {
        if (link === stream) streamEnded(ending);
        else candidateEnded(rung, ending);
      },
    });
    candidate = link;
  }

  function dueRung(): number | undefined {
    const climb = ladder.climb();
    if (climb !== undefined) return climb;
    if (stream !== undefined) return environment.now() >= renewAt ? streamRung : undefined;
    return ladder.rung() < streams.length ? ladder.rung() : undefined;
  }

  function promote(link: Link, rung: number): void {
    const old = stream;
    stream = link;
    streamRung = rung;
    candidate = undefined;
    old?.close();
    backoff.reset();
    renewAt = environment.now() + pace.lifeMs();
    ladder.proved(rung);
    memory.learn({ late });
    options.proved(link);
  }

  function candidateEnded(rung: number, ending: LinkEnding): void {
    const now = environment.now();
    candidate = undefined;
    renewAt = now + RENEW_AGAIN_MS;
    proveAt = now + backoff.next(ending.retryMs);
    if (ending.how === "bye") return;
    waitsForServer = true;
    options.isReachable((is) => {
      // The server is away: no rung is to blame.
      if (!is) return;
      waitsForServer = false;
      blame(rung, ending);
    }, now - ending.idleMs);
  }

  function blame(rung: number, ending: LinkEnding): void {
    // [featurehub-io/featurehub#296] It said hello when its second frame was sent: this network is one frame late.
    if (ending.how === "mute" && ending.greeted && !late) {
      late = true;
      proveAt = environment.now();
    } else {
      late = false;
      ladder.failed(rung, ending.how === "mute" ? "mute" : "refused");
      if (ladder.rung() !== rung) proveAt = environment.now();
    }
    options.judged();
    prove();
  }

  function streamEnded(ending: LinkEnding): void {
    letGo();
    if (ending.how === "bye") {
      const retryMs = ending.retryMs ?? 0;
      const delayMs = retryMs === 0 ? 0 : backoff.next(retryMs);
      proveAt = environment.now() + delayMs;
      options.lost(delayMs);
      return;
    }
    const isShort = ending.livedMs < SHORT_LIFE_MS;
    if (!isShort) ladder.carried();
    if (pace.cut(ending.livedMs, ending.idleMs)) ladder.failed(streamRung, "mute");
    else if (isShort) ladder.failed(streamRung, "refused");
    const delayMs = backoff.next(ending.retryMs);
    proveAt = environment.now() + delayMs;
    options.lost(delayMs);
  }
}

function nothing(): void {}
