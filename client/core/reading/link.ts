import type { HelloSignal } from "../../../protocol/event.ts";
import type { Environment } from "../base/environment.ts";
import type { Ledger } from "./ledger.ts";
import type { Ending, Reading, Sink, Transport } from "./transport.ts";

const LONGEST_HELLO_MS = 3_000;
const SHORTEST_HELLO_MS = 1_500;
const SECOND_FRAME_MS = 3_000;
// An event that comes together with hello proves nothing: a network that holds 4 KiB may let out both at once.
const APART_MS = 250;

/** How a link ended. `mute`: a stream that did not bring what it must. `idleMs`: since it brought anything at all. */
export type LinkEnding = {
  how: Ending["how"] | "mute";
  retryMs: number | undefined;
  livedMs: number;
  idleMs: number;
  greeted: boolean;
  /** A poll's answer had something new in it. */
  news: boolean;
};

/** What a link reports: each sign of life, that it proved itself, and its one end. */
export type LinkSink = {
  heard(): void;
  proved(): void;
  ended(ending: LinkEnding): void;
};

/** One connection that is watched: a stream must say hello in time and then bring a second frame. */
export type Link = {
  transport: Transport;
  reading: Reading;
  openedAt: number;
  /** How often it said it would ping, in milliseconds; 0 for what does not. */
  pingMs(): number;
  /** The last seq of a room that this very connection has shown, or that was known when it began. */
  shown(room: string): number;
  close(): void;
};

type State = {
  environment: Environment;
  ledger: Ledger;
  sink: LinkSink;
  reading: Reading;
  streams: boolean;
  openedAt: number;
  heardAt: number;
  /** 0 until it said hello. */
  helloAt: number;
  pingMs: number;
  /** By the place of the room in `reading.rooms`. */
  shown: number[];
  proved: boolean;
  news: boolean;
  over: boolean;
  hangUp: () => void;
  stopDeadline: () => void;
};

/** Opens a link that gives `ledger` what it brings; `rttMs` is the time to the server and back, 0 if not known. */
export function openLink(
  environment: Environment,
  transport: Transport,
  reading: Reading,
  ledger: Ledger,
  rttMs: number,
  sink: LinkSink,
): Link {
  const state: State = {
    environment,
    ledger,
    sink,
    reading,
    streams: transport.streams,
    openedAt: environment.now(),
    heardAt: environment.now(),
    helloAt: 0,
    pingMs: 0,
    shown: [],
    proved: false,
    news: false,
    over: false,
    hangUp: nothing,
    stopDeadline: nothing,
  };
  for (let i = 0; i < reading.rooms.length; i++) state.shown.push(ledger.seq(reading.rooms[i] as string));
  if (transport.streams) deadline(state, helloPatience(rttMs));
  state.hangUp = transport.open(reading, watched(state));
  return {
    transport,
    reading,
    openedAt: state.openedAt,
    pingMs: () => state.pingMs,
    shown: (room) => shownIn(state, room),
    close: () => close(state),
  };
}

/** Twice the way there and back, at least 1.5 s, at most 3 s; 3 s where the way is not known. */
function helloPatience(rttMs: number): number {
  return rttMs === 0 ? LONGEST_HELLO_MS : Math.min(LONGEST_HELLO_MS, Math.max(2 * rttMs, SHORTEST_HELLO_MS));
}

function deadline(state: State, ms: number): void {
  state.stopDeadline();
  state.stopDeadline = state.environment.later(ms, () => end(state, { how: "mute" }));
}

function watched(state: State): Sink {
  const { ledger, reading } = state;
  const { stream } = ledger;
  const pass = <News>(give: (one: News) => void) => {
    return (one: News) => {
      if (hear(state)) give(one);
    };
  };
  return {
    hello(hello) {
      if (state.over) return;
      // A stream kept by a cache says hello with another's nonce.
      const isOurs = hello.chattera === 1 && (hello.n === undefined || hello.n === reading.nonce);
      if (!isOurs) end(state, { how: "refused" });
      else if (hear(state)) greet(state, hello);
    },
    ping: pass((ping) => {
      prove(state);
      stream.ping(ping);
    }),
    event(event, cursor) {
      if (!hear(state)) return;
      if (state.environment.now() - state.helloAt >= APART_MS) prove(state);
      show(state, event.room, Math.max(event.seq, shownIn(state, event.room)));
      stream.event(event, cursor, reading.after);
    },
    members: pass(stream.members),
    typing: pass(stream.typing),
    reset: pass((reset) => {
      // the log may be another one, with a lower head
      show(state, reset.room, reset.head);
      stream.reset(reset, reading.after);
    }),
    answer: pass((answer) => {
      prove(state);
      state.news = ledger.answer(answer, reading.after);
    }),
    ended(ending) {
      if (!state.over) end(state, ending);
    },
  };
}

/** Tells that something came; `false`: it is over, or who was told has ended it. */
function hear(state: State): boolean {
  if (state.over) return false;
  state.heardAt = state.environment.now();
  state.sink.heard();
  return !state.over;
}

function greet(state: State, hello: HelloSignal): void {
  state.helloAt = state.environment.now();
  state.pingMs = hello.ping;
  deadline(state, SECOND_FRAME_MS);
  state.ledger.stream.hello(hello, state.reading.after);
}

function prove(state: State): void {
  if (state.proved || (state.streams && state.helloAt === 0)) return;
  // A ping that comes together with hello was held back with it.
  if (state.streams && state.environment.now() - state.helloAt < APART_MS) return;
  state.proved = true;
  state.stopDeadline();
  state.sink.proved();
}

function show(state: State, room: string, seq: number): void {
  for (let i = 0; i < state.shown.length; i++) if (state.reading.rooms[i] === room) state.shown[i] = seq;
}

function shownIn(state: State, room: string): number {
  for (let i = 0; i < state.shown.length; i++) if (state.reading.rooms[i] === room) return state.shown[i] as number;
  return -1;
}

function end(state: State, ending: { how: LinkEnding["how"]; retryMs?: number }): void {
  close(state);
  const now = state.environment.now();
  state.sink.ended({
    how: ending.how,
    retryMs: ending.retryMs,
    livedMs: now - state.openedAt,
    idleMs: now - state.heardAt,
    greeted: state.helloAt !== 0,
    news: state.news,
  });
}

function close(state: State): void {
  if (state.over) return;
  state.over = true;
  state.stopDeadline();
  state.hangUp();
}

function nothing(): void {}
