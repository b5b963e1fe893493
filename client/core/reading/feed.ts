import type { Environment } from "../base/environment.ts";
import type { Hold } from "../network/hold.ts";
import type { Memory } from "../network/memory.ts";
import type { CatchUp } from "./catch-up.ts";
import type { Ledger } from "./ledger.ts";
import type { Link } from "./link.ts";
import type { Liveness } from "./liveness.ts";
import { createPoller } from "./poller.ts";
import { createRequests } from "./requests.ts";
import type { StatusKeeper } from "./status.ts";
import { noStreaming, type Streaming } from "./streamer.ts";
import type { Reading, Transport } from "./transport.ts";

/** What is open of a session, see docs/client-states.md. */
export type Phase = "waiting" | "polling" | "proving" | "streaming" | "renewing";

/** What brings the events: a stream where one is proved, else polls; and the next stream, while that is being proved. */
export type Feed = {
  phase(): Phase;
  /** What brings events now. */
  link(): Link | undefined;
  /** Polls unless a stream carries, and proves a stream if one is due. */
  serve(): void;
  /** To be asked every second: is anything due? */
  look(): void;
  /** Asks anew, now; what is open as a poll is not trusted. */
  retry(): void;
  /** The rooms have changed. */
  renew(): void;
  /** Another request is under way: of two at a time it is one. */
  giveWay(isToOther: boolean): void;
  dropStream(isMute: boolean, fellSilent: boolean): void;
  pollDied(): void;
  /** Lets go of all streams; the poll stays. */
  dropStreams(): void;
  close(): void;
  /** A question to be asked beside what carries. */
  question(): Reading;
  questionWay(): Transport;
  measured(rttMs: number): void;
};

/** What a feed needs. */
export type FeedOptions = {
  environment: Environment;
  streaming: Streaming | undefined;
  polls: Transport[];
  rttMs: number;
  ledger: Ledger;
  hold: Hold;
  memory: Memory;
  liveness: Liveness;
  status: StatusKeeper;
  hidden(): boolean;
  catchUp(): CatchUp;
};

/** Nothing is open yet. */
export function createFeed(options: FeedOptions): Feed {
  const { environment, ledger, hold, memory, liveness, status, hidden, catchUp } = options;
  const requests = createRequests(environment, ledger, options.rttMs);
  let isGivingWay = false;
  /** While set: what carried is gone, and it is not yet time to come back. */
  let stopServe: (() => void) | undefined;
  const poller = createPoller({
    environment,
    ledger,
    hold,
    rttMs: requests.rttMs,
    polls: options.polls,
    isLive: () => status.is("live"),
    reading: requests.poll,
    heard: () => heard(true),
    measured: requests.measured,
    answered() {
      streamer.polled();
      showPolling();
      streamer.prove();
    },
    failed: status.failed,
  });
  const streamer = (options.streaming ?? noStreaming)({
    environment,
    ledger,
    memory,
    hidden,
    rttMs: requests.rttMs,
    mayProve: () => !status.is("closed") && !(isGivingWay && link() !== undefined),
    reading: requests.stream,
    heard,
    proved(stream) {
      comeNow();
      poller.stop();
      liveness.expectPing(stream.pingMs());
      status.set("live", stream.transport.name, false);
    },
    lost(retryMs) {
      liveness.expectPing(0);
      status.set("connecting");
      stopServe = environment.later(retryMs, serve);
    },
    judged() {
      if (status.is("live")) showPolling();
    },
    isReachable(answered, since) {
      if (requests.heardSince(since)) answered(true);
      else catchUp().ask((result) => answered(result !== "unanswered"));
    },
  });

  return {
    phase,
    link,
    serve,
    look,
    retry() {
      comeNow();
      if (mayPoll()) poller.retry();
      streamer.prove();
    },
    renew() {
      if (poller.link() !== undefined) poller.retry();
      streamer.renew();
    },
    giveWay(isToOther) {
      isGivingWay = isToOther;
      // Old browsers and some networks allow two connections: what carries, or is to carry, and the other.
      if (!isGivingWay) look();
      else if (streamer.link() !== undefined) streamer.putOff();
      else if (streamer.isProving()) poller.stop();
    },
    dropStream: streamer.drop,
    pollDied() {
      requests.died();
      poller.died();
      poller.retry();
    },
    dropStreams: streamer.close,
    close() {
      comeNow();
      streamer.close();
      poller.stop();
    },
    question: () => requests.question(hold.graceMs(requests.rttMs())),
    questionWay: poller.transport,
    measured: requests.measured,
  };

  function link(): Link | undefined {
    return streamer.link() ?? poller.link();
  }

  function comeNow(): void {
    stopServe?.();
    stopServe = undefined;
  }

  function serve(): void {
    comeNow();
    if (status.is("closed")) return;
    if (streamer.link() === undefined && mayPoll()) poller.serve();
    streamer.prove();
  }

  function look(): void {
    if (stopServe === undefined) serve();
  }

  function mayPoll(): boolean {
    return !(isGivingWay && streamer.isProving());
  }

  /** `carries`: by what brings the events now. */
  function heard(carries: boolean): void {
    requests.heard();
    if (carries) liveness.heard();
    status.reached();
  }

  function showPolling(): void {
    if (streamer.link() === undefined) status.set("live", poller.transport().name, !streamer.hasHope());
  }

  function phase(): Phase {
    if (streamer.link() !== undefined) return streamer.isProving() ? "renewing" : "streaming";
    if (streamer.isProving()) return "proving";
    return poller.link() === undefined ? "waiting" : "polling";
  }
}
