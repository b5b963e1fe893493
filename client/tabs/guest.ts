import type { HelloSignal, PingSignal } from "../../protocol/event.ts";
import { PROTOCOL_VERSION } from "../../protocol/limits.ts";
import type { Environment } from "../core/base/environment.ts";
import type { SessionStatus } from "../core/reading/state.ts";
import type { Ending, Reading, Sink, Transport } from "../core/reading/transport.ts";
import type { Channel } from "./channel.ts";
import type { LeaderState, TabMessage } from "./message.ts";

// The leader answers within milliseconds unless it is frozen. Readers hardly notice a pause of a
// second.
const ANSWER_MS = 1_000;
// A link proves itself by a second frame, at least 250 ms after the first.
const FIRST_ASK_MS = 300;
// This costs no network traffic, and notices a leader's crash if the browser does not report it.
const ASK_MS = 3_000;
// Five minutes after a tab was hidden, its timers come up to a minute late. A visible tab leads
// then.
const HIDDEN_LEADER_MS = 60_000;

/** The options of a guest's link. */
export type GuestOptions = {
  environment: Environment;
  channel: Channel;
  /** Takes the lead. */
  claim(): void;
  hidden(): boolean;
  /** Gets the status of the leader's session. */
  noteLeader(status: SessionStatus): void;
};

type Here = Extract<TabMessage, { say: "here" }>;

/**
 * Creates a transport that reads by the leading tab. A session takes it for a stream, with hello,
 * pings, and the rooms' events and signals.
 */
export function createTabLink(options: GuestOptions): Transport {
  return { name: "tab", streams: true, open: (reading, sink) => openLink(options, reading, sink) };
}

function openLink(
  { environment, channel, claim, hidden, noteLeader }: GuestOptions,
  { rooms, after, nonce }: Reading,
  sink: Sink,
): () => void {
  // Two tabs may choose the same nonce.
  const link = `${channel.tab}.${nonce}`;
  let leader: string | undefined;
  let isOver = false;
  let isAsking = true;
  let stopTimer = environment.later(ANSWER_MS, claim);
  const stopListening = channel.listen((message) => {
    if (message.say === "here" && message.link === link) here(message);
    else if (message.say === "full" && message.link === link) end({ how: "refused" });
    else if (message.say === "unknown" && message.link === link) end({ how: "bye", retryMs: 0 });
    else if (message.say === "lead") meet(message.from);
    else if (message.from !== leader) return;
    else if (message.say === "gone") end({ how: "bye", retryMs: 0 });
    else if (message.say === "state") noteLeader(message.state.status);
    else pass(sink, rooms, message);
  });
  join();
  return close;

  function join(): void {
    channel.post({ say: "join", link, rooms, after });
  }

  function close(): void {
    if (isOver) return;
    isOver = true;
    stopTimer();
    stopListening();
    channel.post({ say: "part", link });
  }

  function end(ending: Ending): void {
    close();
    sink("ended", ending);
  }

  /** A tab leads. It may be another one than before, and may not know this link. */
  function meet(tab: string): void {
    if (leader === undefined) join();
    else if (tab !== leader) end({ how: "bye", retryMs: 0 });
  }

  function here({ from, ping, state }: Here): void {
    const isFirst = leader === undefined;
    leader = from;
    noteLeader(state.status);
    if (isFirst) sink("hello", helloOf(ping, nonce));
    else sink("ping", ping);
    if (isAsking) {
      isAsking = false;
      stopTimer();
      stopTimer = environment.later(isFirst ? FIRST_ASK_MS : ASK_MS, ask);
    }
    if (isIdle(state) && !hidden()) claim();
  }

  function ask(): void {
    isAsking = true;
    channel.post({ say: "ask", link });
    stopTimer = environment.later(ANSWER_MS, claim);
  }
}

/** Whether the leader is hidden and its timers come too late, or its connection is in trouble. */
function isIdle({ hiddenMs, status }: LeaderState): boolean {
  return hiddenMs > HIDDEN_LEADER_MS || (hiddenMs > 0 && status.state !== "live");
}

function helloOf({ cursor, heads }: PingSignal, n: string): HelloSignal {
  return { chattera: 1, protocol: PROTOCOL_VERSION, retry: 0, ping: ASK_MS, cursor, heads, n };
}

/** Passes on what the leader posts to all its guests, as far as it concerns these rooms. */
function pass(sink: Sink, rooms: string[], message: TabMessage): void {
  if (message.say === "ping") {
    const { cursor, heads } = message.ping;
    const own = Object.entries(heads).filter(([room]) => rooms.includes(room));
    sink("ping", { cursor, heads: Object.fromEntries(own) });
  }
  if (message.say !== "news" || !rooms.includes(message.of.news.room)) return;
  const { of } = message;
  if (of.name === "event") sink("event", of.news, of.cursor);
  else sink(of.name, of.news);
}
