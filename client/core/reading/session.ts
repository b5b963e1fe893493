import type { PollAnswer, ResetSignal, RoomEvent } from "../../../protocol/event.ts";
import { isOwn } from "../../../protocol/own.ts";
import { createEmitter, type Emitter } from "../base/emitter.ts";
import type { Environment } from "../base/environment.ts";
import { attempt } from "../base/throttle.ts";
import { type MemoryStore, sensible } from "../network/known.ts";
import type { Confirm } from "./confirm.ts";
import { cursorsOf, type Position, positionOf } from "./ledger.ts";
import type { Link } from "./link.ts";
import { step } from "./machine.ts";
import { type Phase, phaseOf } from "./phase.ts";
import {
  createState,
  type FeedEvents,
  type Frame,
  type Happening,
  type Order,
  type SessionStatus,
  type State,
} from "./state.ts";
import type { Sink, Transport } from "./transport.ts";

/** The events of a session: all that it reads, and its status. */
export type SessionEvents = FeedEvents & { status: SessionStatus };

/**
 * The options of a session: the environment, its rooms, transports, and earlier findings about the
 * network.
 */
export type SessionOptions = {
  environment: Environment;
  /** Where the page or an earlier session left off. */
  rooms: Position[];
  /** Ways that stay open, best first. Without any, the session polls. */
  streams: Transport[];
  /** Confirms to the site that a stream arrives. */
  confirm: Confirm;
  /** Ways to ask, best first; at least one. */
  polls: Transport[];
  /** A guess at the round trip in milliseconds, 0 if there is none. */
  rttMs: number;
  hidden(): boolean;
  memory: MemoryStore;
};

/**
 * One reader's way through its rooms, over as many connections as it takes: each event once, in
 * order.
 */
export type ReadingSession = {
  on: Emitter<SessionEvents>["on"];
  start(): void;
  /** The page became visible, or the network came back: looks at once. */
  wake(connectionsAreDead?: boolean): void;
  /**
   * A message has its receipt: the server can be reached, and what is in its log must be shown
   * soon, or it is held back.
   */
  expect(room: string, seq: number, rttMs: number): void;
  /**
   * A message is to be sent, or none any more. It uses one of the two requests that may run at a
   * time, so it is sent at the event `turn`: at once, or when a question is answered.
   */
  sending(isUnderWay: boolean): void;
  /** A request that began at this time died in silence, so what is open may be dead too. */
  doubt(since: number): void;
  /** Reads one more room over the same connection. */
  follow(position: Position): void;
  unfollow(room: string): void;
  /** Returns the cursors to go on from, in another session too. */
  after(): string[];
  /** Returns how far a room is read, for another session. */
  positionIn(room: string): Position | undefined;
  /** Returns what is open now, see docs/client-states.md. */
  phase(): Phase;
  close(): void;
};

/** A session's effects: what it waits for, and what it may undo. */
type Shell = {
  options: SessionOptions;
  emitter: Emitter<SessionEvents>;
  state: State;
  timers: { [name: string]: () => void };
  /** Happenings that are not performed yet. */
  queued: Happening[];
  isBusy: boolean;
  /** Gives up the confirmation that is under way. */
  unconfirm?: () => void;
};

/**
 * Creates a session that is not started yet. It lets the machine step for one happening after the
 * other, and does what the machine orders: all effects are here, and what happens meanwhile waits.
 */
export function createSession(options: SessionOptions): ReadingSession {
  const { environment, memory } = options;
  const { random, page } = environment;
  const emitter = createEmitter<SessionEvents>(environment);
  const state = createState({ ...options, random, page, known: sensible(memory.load()) }, environment.now());
  const shell: Shell = { options, emitter, state, timers: {}, queued: [], isBusy: false };
  const happen = (happening: Happening) => happenAll(shell, [happening]);
  return {
    on: emitter.on,
    start: () => happen({ kind: "start" }),
    wake: (connectionsAreDead = false) => happen({ kind: "wake", connectionsAreDead }),
    expect: (room, seq, rttMs) => happen({ kind: "receipt", room, seq, rttMs }),
    sending: (isUnderWay) => happen({ kind: "sending", isUnderWay }),
    doubt: (since) => happen({ kind: "doubt", since }),
    follow: (position) => happen({ kind: "follow", position }),
    unfollow: (room) => happen({ kind: "unfollow", room }),
    after: () => cursorsOf(state.ledger),
    positionIn: (room) => positionOf(state.ledger, room),
    phase: () => phaseOf(state),
    close() {
      // It does not wait: nothing that was to follow follows.
      shell.queued = [];
      perform(shell, { kind: "close" });
    },
  };
}

function happenAll(shell: Shell, happenings: Happening[]): void {
  shell.queued = shell.queued.concat(happenings);
  if (shell.isBusy) return;
  shell.isBusy = true;
  for (let i = 0; i < shell.queued.length; i++) perform(shell, shell.queued[i] as Happening);
  shell.queued = [];
  shell.isBusy = false;
}

function perform(shell: Shell, happening: Happening): void {
  const { state, options } = shell;
  let orders: Order[];
  try {
    orders = step(state, happening, options.environment.now());
  } catch (error) {
    recover(shell, happening, error);
    return;
  }
  // Closing takes the place of all orders before it.
  for (let i = 0; i < orders.length && orders === state.orders; i++) {
    try {
      obey(shell, orders[i] as Order);
    } catch (error) {
      throwLater(shell, error);
    }
  }
}

/** A frame that makes no sense ends the connection that it came by. */
function recover(shell: Shell, happening: Happening, error: unknown): void {
  if ("link" in happening && happening.kind !== "ended") {
    const { link } = happening;
    shell.queued.push({ kind: "ended", link, data: { how: link.transport.streams ? "cut" : "refused" }, cursor: "" });
  } else throwLater(shell, error);
}

/** Leaves an error to the page's or the process's own handler. Reading goes on. */
function throwLater({ options }: Shell, error: unknown): void {
  options.environment.later(0, () => {
    throw error;
  });
}

function obey(shell: Shell, order: Order): void {
  const { options, emitter, timers, unconfirm } = shell;
  switch (order.kind) {
    case "poll":
    case "prove":
    case "ask":
      open(shell, order.link);
      break;
    case "drop":
      hangUp(order.link);
      break;
    case "confirm":
      shell.unconfirm = options.confirm(order.stream.reading.nonce, ({ status }) =>
        happenAll(shell, [{ kind: "confirmed", link: order.stream, data: status, cursor: "" }]),
      );
      break;
    case "unconfirm":
      unconfirm?.();
      break;
    case "wakeIn":
      wakeIn(shell, order.timer, order.ms);
      break;
    case "publish":
      emitter.emit(order.name, order.data as never);
      break;
    case "report":
      emitter.emit("status", order.status);
      break;
    case "learn":
      options.memory.save(order.known);
      break;
    case "end":
      for (const timer in timers) if (isOwn(timers, timer)) (timers[timer] as () => void)();
  }
}

/** Opens a connection. An environment that throws has refused it. */
function open(shell: Shell, link: Link): void {
  const { transport, reading } = link;
  const sink = sinkOf(shell, link);
  link.hangUp = attempt(
    shell.options.environment,
    () => transport.open(reading, sink),
    () => sink("ended", { how: "refused" }),
  );
}

function hangUp({ hangUp: close }: Link): void {
  if (close) close();
}

function wakeIn(shell: Shell, timer: string, ms: number): void {
  const { timers, options } = shell;
  const stop = timers[timer];
  if (stop) stop();
  timers[timer] = options.environment.later(ms, () => happenAll(shell, [{ kind: "timer", timer }]));
}

function sinkOf(shell: Shell, link: Link): Sink {
  return (kind, data, cursor = "") => {
    // A call of a listener in the middle of an answer is performed after it, when the cursor is
    // behind it.
    happenAll(shell, kind === "answer" ? framesOf(link, data as PollAnswer) : [{ kind, link, data, cursor } as Frame]);
  };
}

function framesOf(link: Link, answer: PollAnswer): Frame[] {
  const { events, resets = answer.reset === undefined ? [] : [answer.reset] } = answer;
  const cursor = "";
  const frames: Frame[] = [];
  for (let i = 0; i < resets.length; i++) frames.push({ kind: "reset", link, data: resets[i] as ResetSignal, cursor });
  for (let i = 0; i < events.length; i++) frames.push({ kind: "event", link, data: events[i] as RoomEvent, cursor });
  frames.push({ kind: "answer", link, data: answer, cursor });
  return frames;
}
