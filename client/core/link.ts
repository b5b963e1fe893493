import type { HelloSignal, PollAnswer } from "../../protocol/event.ts";
import type { Outside } from "./outside.ts";
import type { Ending, Reading, Sink, Transport } from "./transport.ts";

const LONGEST_HELLO_MS = 3_000;
const SHORTEST_HELLO_MS = 1_500;
const SECOND_FRAME_MS = 3_000;
// An event that comes together with hello proves nothing: a network that holds 4 KiB may let out both at once.
const APART_MS = 250;

/** How a link ended. `mute`: a stream that did not bring what it must. */
export type LinkEnding = {
  how: Ending["how"] | "mute";
  retryMs: number | undefined;
  livedMs: number;
  proved: boolean;
};

/** What a link reports: all that its connection brings, each sign of life, that it proved itself, and its one end. */
export type LinkSink = {
  stream: Sink;
  answer(answer: PollAnswer): void;
  heard(): void;
  proved(): void;
  ended(ending: LinkEnding): void;
};

/** One connection that is watched: a stream must say hello in time and then bring a second frame. */
export type Link = {
  transport: Transport;
  reading: Reading;
  proved(): boolean;
  /** The last seq that this very connection has shown, or that was known when it began. */
  shown(): number;
  close(): void;
};

type State = {
  outside: Outside;
  sink: LinkSink;
  reading: Reading;
  streams: boolean;
  openedAt: number;
  helloAt: number;
  shown: number;
  proved: boolean;
  over: boolean;
  hangUp: () => void;
  stopDeadline: () => void;
};

/** Opens a link. `seq` is the last event known; `rttMs` the time to the server and back, 0 if not known. */
export function openLink(
  outside: Outside,
  transport: Transport,
  reading: Reading,
  known: { seq: number; rttMs: number },
  sink: LinkSink,
): Link {
  const state: State = {
    outside,
    sink,
    reading,
    streams: transport.streams,
    openedAt: outside.now(),
    helloAt: 0,
    shown: known.seq,
    proved: false,
    over: false,
    hangUp: nothing,
    stopDeadline: nothing,
  };
  if (transport.streams) deadline(state, helloPatience(known.rttMs));
  state.hangUp = transport.open(reading, watched(state));
  return {
    transport,
    reading,
    proved: () => state.proved,
    shown: () => state.shown,
    close: () => close(state),
  };
}

/** Twice the way there and back, at least 1.5 s, at most 3 s; 3 s where the way is not known. */
function helloPatience(rttMs: number): number {
  return rttMs === 0 ? LONGEST_HELLO_MS : Math.min(LONGEST_HELLO_MS, Math.max(2 * rttMs, SHORTEST_HELLO_MS));
}

function deadline(state: State, ms: number): void {
  state.stopDeadline();
  state.stopDeadline = state.outside.later(ms, () => end(state, { how: "mute" }));
}

function watched(state: State): Sink {
  const news = state.sink.stream;
  const pass = <News>(give: (one: News) => void) => {
    return (one: News) => {
      if (state.over) return;
      state.sink.heard();
      give(one);
    };
  };
  return {
    hello: pass((hello) => greet(state, hello)),
    ping: pass((ping) => {
      prove(state);
      news.ping(ping);
    }),
    event(event, cursor) {
      if (state.over) return;
      state.sink.heard();
      if (state.outside.now() - state.helloAt >= APART_MS) prove(state);
      if (event.seq > state.shown) state.shown = event.seq;
      news.event(event, cursor);
    },
    members: pass(news.members),
    typing: pass(news.typing),
    reset: pass((reset) => {
      state.shown = reset.head;
      news.reset(reset);
    }),
    answer: pass((answer) => {
      prove(state);
      state.sink.answer(answer);
    }),
    ended(ending) {
      if (!state.over) end(state, ending);
    },
  };
}

function greet(state: State, hello: HelloSignal): void {
  const ours = hello.chattera === 1 && (hello.n === undefined || hello.n === state.reading.nonce);
  if (!ours) {
    end(state, { how: "refused" });
    return;
  }
  state.helloAt = state.outside.now();
  deadline(state, SECOND_FRAME_MS);
  state.sink.stream.hello(hello);
}

function prove(state: State): void {
  if (state.proved || (state.streams && state.helloAt === 0)) return;
  state.proved = true;
  state.stopDeadline();
  state.sink.proved();
}

function end(state: State, ending: { how: LinkEnding["how"]; retryMs?: number }): void {
  close(state);
  state.sink.ended({
    how: ending.how,
    retryMs: ending.retryMs,
    livedMs: state.outside.now() - state.openedAt,
    proved: state.proved,
  });
}

function close(state: State): void {
  if (state.over) return;
  state.over = true;
  state.stopDeadline();
  state.hangUp();
}

function nothing(): void {}
