import type { MembersSignal, PingSignal, ResetSignal, RoomEvent, TypingSignal } from "../../../protocol/event.ts";
import type { RoomSignal } from "../../../protocol/room-settings.ts";
import type { Clock } from "../base/environment.ts";
import { type Backoff, createBackoff } from "../network/backoff.ts";
import type { Known } from "../network/known.ts";
import { createNetwork, type Network } from "../network/network.ts";
import { createLedger, type Ledger, type Position } from "./ledger.ts";
import type { Link } from "./link.ts";
import { createLiveness, type Liveness } from "./liveness.ts";
import type { Brought, Transport } from "./transport.ts";

/**
 * The events for the application. `reset`: a room cannot be continued where it was left; its
 * history has to be read again.
 */
export type FeedEvents = {
  event: RoomEvent;
  members: MembersSignal;
  typing: TypingSignal;
  room: RoomSignal;
  reset: ResetSignal;
  ping: PingSignal;
  /** A message may be sent now: the answer to `sending`. */
  turn: undefined;
};

/**
 * The state of a session. `transport` is that of the feed; `slow`: no stream passes here and none
 * is being tried; `failures` counts the failed attempts since something last came through;
 * `checking`: a question whether the connection still lives has not been answered in the usual
 * time; `blocked`: something blocks the paths of streams and polls, so the client reads by another;
 * `stale`: the server says that it cannot read the log, so messages come later; `refused`: the code
 * with which the site refuses to let this client read, or "".
 */
export type SessionStatus = {
  state: "connecting" | "live" | "waiting" | "closed";
  transport: string;
  slow: boolean;
  failures: number;
  checking: boolean;
  blocked: boolean;
  stale: boolean;
  refused: string;
};

/**
 * The happenings of a session: calls of the application, timers, and frames of its connections.
 */
export type Happening =
  | Frame
  | { kind: "start" }
  | { kind: "wake"; connectionsAreDead: boolean }
  | { kind: "receipt"; room: string; seq: number; rttMs: number }
  | { kind: "sending"; isUnderWay: boolean }
  | { kind: "doubt"; since: number }
  | { kind: "follow"; position: Position }
  | { kind: "unfollow"; room: string }
  | { kind: "close" }
  | { kind: "timer"; timer: string };

/** The frames of a link. `confirmed`: the status with which its confirmation was answered. */
type Incoming = Brought & { confirmed: number };

/**
 * Something that came by a link; `cursor` is behind an event of a stream, or "". The resets and
 * events of an answer come before it.
 */
export type Frame = {
  [Kind in keyof Incoming]: { kind: Kind; link: Link; data: Incoming[Kind]; cursor: string };
}[keyof Incoming];

/** An effect that a session has to carry out. */
export type Order =
  /** Open this connection: a poll, a stream that has to prove itself, or a question to the log. */
  | { kind: "poll" | "prove" | "ask"; link: Link }
  /** Close it. */
  | { kind: "drop"; link: Link }
  /** Confirm that this stream arrives. */
  | { kind: "confirm"; stream: Link }
  /** Give the confirmation up. */
  | { kind: "unconfirm" }
  /** Let a timer happen, once, in place of the earlier one of that name. */
  | { kind: "wakeIn"; timer: string; ms: number }
  | { kind: "publish"; name: keyof FeedEvents; data: FeedEvents[keyof FeedEvents] }
  | { kind: "report"; status: SessionStatus }
  | { kind: "learn"; known: Known }
  /** Stop all timers: nothing happens any more. */
  | { kind: "end" };

/**
 * A doubt whether the feed brings what the log has: something is late, a busy room fell quiet, a
 * ping is missing, or another request died in silence.
 */
export type Doubt = { why: "late" | "lull" | "silent" | "unanswered"; feed: Link | undefined };

/**
 * Why the log is asked. `gap`: events are missing, or may be; `blame`: this stream found no server,
 * or was mute.
 */
export type Question = { why: "gap" } | { why: "blame"; link: Link; isMute: boolean } | Doubt;

/** The beginning of a session. */
export type Beginning = {
  rooms: Position[];
  /** Ways that stay open, best first. */
  streams: Transport[];
  /** Ways to ask, best first; at least one. */
  polls: Transport[];
  /** A guess at the round trip in milliseconds, 0 if there is none. */
  rttMs: number;
  /** Earlier findings about the network. */
  known: Known;
  random(): number;
  /** The name of the page, if it has one. */
  page?: string | undefined;
  hidden(): boolean;
};

/** All that a session knows. */
export type State = Network &
  Liveness & {
    clock: Clock;
    /** The orders that follow from the current happening. */
    orders: Order[];
    ledger: Ledger;
    status: SessionStatus;
    /** Ways that stay open, and ways to ask, best first. */
    streams: Transport[];
    polls: Transport[];
    poll?: Link | undefined;
    /** The stream that is the feed. */
    stream?: Link | undefined;
    /** The stream that is being proved. */
    candidate?: Link | undefined;
    question?: Link | undefined;
    /** The round trip in milliseconds, 0 while it is not known. */
    rttMs: number;
    /** When something last came by a poll or a stream; -1: never. */
    reachedAt: number;
    /**
     * A kept-alive connection has died here in silence: later polls ask for theirs to be closed.
     */
    once: boolean;
    /** The transport of the next poll, and how many have failed in a row. */
    way: number;
    failures: number;
    /** The transport to return to, if the first one that is being tried again fails; 0: none. */
    wayBack: number;
    /** When the first transport last failed while another one was answered; 0: it did not. */
    blockedAt: number;
    pollBackoff: Backoff;
    /** A timer runs for the next poll. */
    isPollSet: boolean;
    streamBackoff: Backoff;
    /** No stream is opened before. */
    proveAt: number;
    /** When the stream that is the feed is to be renewed. */
    renewAt: number;
    /**
     * The last stream found no server. The next one waits until a poll is answered, unless the feed
     * is a stream.
     */
    waitsForServer: boolean;
    /** The stream was cut, and a timer runs for what comes after it. */
    isAway: boolean;
    isConfirming: boolean;
    isSending: boolean;
    /** A message waits until the question is answered. */
    isSendingNext: boolean;
    /** Why the log is being asked, or is to be asked. */
    asking: Question[];
    /** It is asked because of a lull or a missing ping. */
    isDoubting: boolean;
    /** When a message last died in silence while the feed was silent, too. */
    unansweredAt: number;
    /** The log had something that the feed of this doubt has to show soon. */
    suspect?: Doubt | undefined;
    /** The stream that fell silent while a message was being sent: the next poll asks about it. */
    fallen?: Link | undefined;
    /** When the last stream that was expected to bring something held it back; 0: it did not. */
    heldBackAt: number;
    expected: Expectation[];
    wokeAt: number;
  };

/** A seq that is known to be in the log. The seq that is expected after it is `next`. */
export type Expectation = { room: string; seq: number; next?: { seq: number; withinMs: number } };

/** Returns the status of a session that is not started. */
export function firstStatus(): SessionStatus {
  return {
    state: "connecting",
    transport: "",
    slow: false,
    failures: 0,
    checking: false,
    blocked: false,
    stale: false,
    refused: "",
  };
}

/** Creates the state of a session that is not started. */
export function createState(beginning: Beginning, now: number): State {
  const { rooms, streams, polls, rttMs, hidden, random, page, known } = beginning;
  const clock: Clock = { now: () => state.now, random, page };
  const state: State = {
    ...createNetwork(known, streams.length, { now, random }),
    ...createLiveness(hidden, now),
    clock,
    orders: [],
    ledger: createLedger(rooms),
    status: firstStatus(),
    streams,
    polls,
    rttMs,
    reachedAt: -1,
    once: false,
    way: 0,
    failures: 0,
    wayBack: 0,
    blockedAt: 0,
    pollBackoff: createBackoff(clock),
    isPollSet: false,
    streamBackoff: createBackoff(clock),
    proveAt: 0,
    renewAt: 0,
    waitsForServer: false,
    isAway: false,
    isConfirming: false,
    isSending: false,
    isSendingNext: false,
    asking: [],
    isDoubting: false,
    unansweredAt: 0,
    heldBackAt: 0,
    expected: [],
    wokeAt: 0,
  };
  return state;
}
