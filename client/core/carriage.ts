import type { CatchUp } from "./catch-up.ts";
import { createContact } from "./contact.ts";
import type { Hold } from "./hold.ts";
import type { Intake } from "./intake.ts";
import type { Link } from "./link.ts";
import type { Memory } from "./memory.ts";
import type { Outside } from "./outside.ts";
import { createPoller } from "./poller.ts";
import type { Silence } from "./silence.ts";
import type { StatusKeeper } from "./status.ts";
import { noStreaming, type Streaming } from "./streamer.ts";
import type { Reading, Transport } from "./transport.ts";

/** What is open of a session, see docs/client-states.md. */
export type Phase = "waiting" | "polling" | "proving" | "streaming" | "renewing";

/** What brings the events: a stream where one is proved, else polls; and the next stream, while that is being proved. */
export type Carriage = {
  phase(): Phase;
  /** What brings events now. */
  link(): Link | undefined;
  /** Polls unless a stream carries, and proves a stream if one is due. */
  serve(): void;
  /** To be asked every second: is anything due? */
  look(): void;
  /** Asks anew, now; what is open as a poll is not trusted. */
  again(): void;
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

/** What a carriage needs. */
export type CarriageOptions = {
  outside: Outside;
  streaming: Streaming | undefined;
  polls: Transport[];
  rttMs: number;
  intake: Intake;
  hold: Hold;
  memory: Memory;
  silence: Silence;
  status: StatusKeeper;
  hidden(): boolean;
  catchUp(): CatchUp;
};

/** Nothing is open yet. */
export function createCarriage(options: CarriageOptions): Carriage {
  const { outside, intake, hold, memory, silence, status, hidden, catchUp } = options;
  const contact = createContact(outside, intake, options.rttMs);
  let isGivingWay = false;
  /** While set: what carried is gone, and it is not yet time to come back. */
  let stopServe: (() => void) | undefined;
  const poller = createPoller({
    outside,
    intake,
    hold,
    rttMs: contact.rttMs,
    polls: options.polls,
    isLive: () => status.is("live"),
    reading: contact.poll,
    heard: () => heard(true),
    measured: contact.measured,
    answered() {
      streamer.polled();
      showPolling();
      streamer.prove();
    },
    failed: status.failed,
  });
  const streamer = (options.streaming ?? noStreaming)({
    outside,
    intake,
    memory,
    hidden,
    rttMs: contact.rttMs,
    mayProve: () => !status.is("closed") && !(isGivingWay && link() !== undefined),
    reading: contact.stream,
    heard,
    proved(stream) {
      comeNow();
      poller.stop();
      silence.expectPing(stream.pingMs());
      status.set("live", stream.transport.name, false);
    },
    lost(retryMs) {
      silence.expectPing(0);
      status.set("connecting");
      stopServe = outside.later(retryMs, serve);
    },
    judged() {
      if (status.is("live")) showPolling();
    },
    isReachable(answered, since) {
      if (contact.heardSince(since)) answered(true);
      else catchUp().ask((result) => answered(result !== "unanswered"));
    },
  });

  return {
    phase,
    link,
    serve,
    look,
    again() {
      comeNow();
      if (mayPoll()) poller.again();
      streamer.prove();
    },
    renew() {
      if (poller.link() !== undefined) poller.again();
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
      contact.died();
      poller.died();
      poller.again();
    },
    dropStreams: streamer.close,
    close() {
      comeNow();
      streamer.close();
      poller.stop();
    },
    question: () => contact.question(hold.graceMs(contact.rttMs())),
    questionWay: poller.transport,
    measured: contact.measured,
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
    contact.heard();
    if (carries) silence.heard();
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
