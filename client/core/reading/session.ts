import type { PollAnswer, ResetSignal, RoomEvent } from "../../../protocol/event.ts";
import { createEmitter, type Emitter } from "../base/emitter.ts";
import type { Environment } from "../base/environment.ts";
import { type MemoryStore, sensible } from "../network/known.ts";
import type { Confirm } from "./confirm.ts";
import { cursorsOf, type Position } from "./ledger.ts";
import type { Link } from "./link.ts";
import { step } from "./machine.ts";
import { type Phase, phaseOf } from "./phase.ts";
import {
  type Brought,
  createState,
  type FeedEvents,
  type Frame,
  type Happening,
  type Order,
  type SessionStatus,
} from "./state.ts";
import type { Sink, Transport } from "./transport.ts";

/** What a session emits: what it reads, and its status. */
export type SessionEvents = FeedEvents & { status: SessionStatus };

/** What a session needs: the environment, its rooms, ways to the server, and what is known of the network. */
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

/** One reader's way through its rooms, over as many connections as it takes: each event once, in order. */
export type Session = {
  on: Emitter<SessionEvents>["on"];
  start(): void;
  /** The page became visible, or the network came back: looks at once. */
  wake(connectionsAreDead?: boolean): void;
  /** A message has its receipt: the server can be reached, and what is in its log must be shown soon, or it is held back. */
  expect(room: string, seq: number, rttMs: number): void;
  /** A message is being sent: of two requests at a time it is one. */
  sending(isUnderWay: boolean): void;
  /** Reads one more room over the same connection. */
  follow(position: Position): void;
  unfollow(room: string): void;
  /** Returns the cursors to go on from, in another session too. */
  after(): string[];
  /** Returns what is open now, see docs/client-states.md. */
  phase(): Phase;
  close(): void;
};

/**
 * Creates a session that is not started yet. It lets the machine step for one happening after the other, and does what
 * the machine orders: all effects are here, and what happens meanwhile waits.
 */
export function createSession(options: SessionOptions): Session {
  const { environment, memory, confirm } = options;
  const { random } = environment;
  const emitter = createEmitter<SessionEvents>(environment);
  const state = createState({ ...options, random, known: sensible(memory.load()) }, environment.now());
  let giveUp = nothing;
  const timers: { [name: string]: () => void } = {};
  let waiting: Happening[] = [];
  let isBusy = false;

  return {
    on: emitter.on,
    start: () => happen([{ kind: "start" }]),
    wake: (connectionsAreDead = false) => happen([{ kind: "wake", connectionsAreDead }]),
    expect: (room, seq, rttMs) => happen([{ kind: "receipt", room, seq, rttMs }]),
    sending: (isUnderWay) => happen([{ kind: "sending", isUnderWay }]),
    follow: (position) => happen([{ kind: "follow", position }]),
    unfollow: (room) => happen([{ kind: "unfollow", room }]),
    after: () => cursorsOf(state.ledger),
    phase: () => phaseOf(state),
    close() {
      // It does not wait: nothing that was to follow follows.
      waiting = [];
      perform({ kind: "close" });
    },
  };

  function happen(happenings: Happening[]): void {
    waiting = waiting.concat(happenings);
    if (isBusy) return;
    isBusy = true;
    for (let i = 0; i < waiting.length; i++) perform(waiting[i] as Happening);
    waiting = [];
    isBusy = false;
  }

  function perform(happening: Happening): void {
    const orders = step(state, happening, environment.now());
    // Closing takes the place of all orders before it.
    for (let i = 0; i < orders.length && orders === state.orders; i++) {
      try {
        obey(orders[i] as Order);
      } catch (error) {
        fail(orders[i] as Order, error);
      }
    }
  }

  /** A connection that cannot be opened is refused. The error goes to the page's or the process's own handler. */
  function fail(order: Order, error: unknown): void {
    if ("link" in order) bring(order.link, "ended")({ how: "refused" });
    environment.later(0, () => {
      throw error;
    });
  }

  function obey(order: Order): void {
    switch (order.kind) {
      case "poll":
      case "prove":
      case "ask":
        order.link.hangUp = order.link.transport.open(order.link.reading, sinkOf(order.link));
        break;
      case "drop":
        order.link.hangUp?.();
        break;
      case "confirm":
        giveUp = confirm(order.stream.reading.nonce, ({ status }) => bring(order.stream, "confirmed")(status));
        break;
      case "unconfirm":
        giveUp();
        break;
      case "wakeIn":
        wakeIn(order.timer, order.ms);
        break;
      case "give":
        emitter.emit(order.name, order.news as never);
        break;
      case "report":
        emitter.emit("status", order.status);
        break;
      case "learn":
        memory.save(order.known);
        break;
      case "end":
        for (const timer in timers) (timers[timer] as () => void)();
    }
  }

  function wakeIn(timer: string, ms: number): void {
    timers[timer]?.();
    timers[timer] = environment.later(ms, () => happen([{ kind: "timer", timer }]));
  }

  function sinkOf(link: Link): Sink {
    return {
      hello: bring(link, "hello"),
      ping: bring(link, "ping"),
      event: bring(link, "event"),
      members: bring(link, "members"),
      typing: bring(link, "typing"),
      reset: bring(link, "reset"),
      // What a listener asks for in the middle of an answer happens after it, when the cursor is behind it.
      answer: (answer) => happen(framesOf(link, answer)),
      ended: bring(link, "ended"),
    };
  }

  function bring<Kind extends keyof Brought>(link: Link, kind: Kind): (data: Brought[Kind], cursor?: string) => void {
    return (data, cursor) => happen([frameOf(link, kind, data, cursor)]);
  }
}

function framesOf(link: Link, answer: PollAnswer): Frame[] {
  const { events, resets = answer.reset === undefined ? [] : [answer.reset] } = answer;
  const frames: Frame[] = [];
  for (let i = 0; i < resets.length; i++) frames.push(frameOf(link, "reset", resets[i] as ResetSignal));
  for (let i = 0; i < events.length; i++) frames.push(frameOf(link, "event", events[i] as RoomEvent));
  frames.push(frameOf(link, "answer", answer));
  return frames;
}

function frameOf<Kind extends keyof Brought>(link: Link, kind: Kind, data: Brought[Kind], cursor = ""): Frame {
  return { kind, link, data, cursor } as Frame;
}

function nothing(): void {}
