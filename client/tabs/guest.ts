import type { HelloSignal, PingSignal } from "../../protocol/event.ts";
import { roomOfLog } from "../../protocol/inbox.ts";
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

/** A guest's link to the leading tab. */
type Link = GuestOptions & {
  name: string;
  reading: Reading;
  sink: Sink;
  leader: string | undefined;
  isOver: boolean;
  isAsking: boolean;
  stopTimer(): void;
  stopListening(): void;
};

/**
 * Creates a transport that reads by the leading tab. A session takes it for a stream, with hello,
 * pings, and the rooms' events and signals.
 */
export function createTabLink(options: GuestOptions): Transport {
  return { name: "tab", streams: true, open: (reading, sink) => openLink(options, reading, sink) };
}

function openLink(options: GuestOptions, reading: Reading, sink: Sink): () => void {
  const { environment, channel, claim } = options;
  const link: Link = {
    ...options,
    // Two tabs may choose the same nonce.
    name: `${channel.tab}.${reading.nonce}`,
    reading,
    sink,
    leader: undefined,
    isOver: false,
    isAsking: true,
    stopTimer: environment.later(ANSWER_MS, claim),
    stopListening: channel.listen((message) => take(link, message)),
  };
  join(link);
  return () => close(link);
}

function join({ channel, name, reading: { rooms, after } }: Link): void {
  channel.post({ say: "join", link: name, rooms, after });
}

function take(link: Link, message: TabMessage): void {
  const { name, leader, noteLeader } = link;
  if (message.say === "here" && message.link === name) here(link, message);
  else if (message.say === "full" && message.link === name) end(link, { how: "refused" });
  else if (message.say === "unknown" && message.link === name) end(link, { how: "bye", retryMs: 0 });
  else if (message.say === "lead") meet(link, message.from);
  else if (message.from !== leader) return;
  else if (message.say === "gone") end(link, { how: "bye", retryMs: 0 });
  else if (message.say === "state") noteLeader(message.state.status);
  else pass(link, message);
}

function here(link: Link, { from, ping, state }: Here): void {
  const { sink, reading, environment, claim, hidden, noteLeader } = link;
  const isFirst = link.leader === undefined;
  link.leader = from;
  noteLeader(state.status);
  if (isFirst) sink("hello", helloOf(ping, reading.nonce));
  else sink("ping", ping);
  if (link.isAsking) {
    link.isAsking = false;
    link.stopTimer();
    link.stopTimer = environment.later(isFirst ? FIRST_ASK_MS : ASK_MS, () => ask(link));
  }
  if (isIdle(state) && !hidden()) claim();
}

function ask(link: Link): void {
  const { channel, name, environment, claim } = link;
  link.isAsking = true;
  channel.post({ say: "ask", link: name });
  link.stopTimer = environment.later(ANSWER_MS, claim);
}

/** A tab leads. It may be another one than before, and may not know this link. */
function meet(link: Link, tab: string): void {
  if (link.leader === undefined) join(link);
  else if (tab !== link.leader) end(link, { how: "bye", retryMs: 0 });
}

function end(link: Link, ending: Ending): void {
  close(link);
  link.sink("ended", ending);
}

function close(link: Link): void {
  const { channel, name, stopListening } = link;
  if (link.isOver) return;
  link.isOver = true;
  link.stopTimer();
  stopListening();
  channel.post({ say: "part", link: name });
}

/** Whether the leader is hidden and its timers come too late, or its connection is in trouble. */
function isIdle({ hiddenMs, status }: LeaderState): boolean {
  return hiddenMs > HIDDEN_LEADER_MS || (hiddenMs > 0 && status.state !== "live");
}

function helloOf({ cursor, heads }: PingSignal, n: string): HelloSignal {
  return { chattera: 1, protocol: PROTOCOL_VERSION, retry: 0, ping: ASK_MS, cursor, heads, n };
}

/** Passes on what the leader posts to all its guests, as far as it concerns the link's rooms. */
function pass({ sink, reading: { rooms } }: Link, message: TabMessage): void {
  if (message.say === "ping") {
    const { cursor, heads } = message.ping;
    const own = Object.entries(heads).filter(([log]) => rooms.includes(roomOfLog(log)));
    sink("ping", { cursor, heads: Object.fromEntries(own) });
  }
  if (message.say !== "news" || !rooms.includes(roomOfLog(message.of.news.room))) return;
  const { of } = message;
  if (of.name === "event") sink("event", of.news, of.cursor);
  else sink(of.name, of.news);
}
