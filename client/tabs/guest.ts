import type { HelloSignal, PingSignal } from "../../protocol/event.ts";
import { PROTOCOL_VERSION } from "../../protocol/limits.ts";
import type { Environment } from "../core/base/environment.ts";
import type { SessionStatus } from "../core/reading/state.ts";
import type { Ending, Sink, Transport } from "../core/reading/transport.ts";
import type { Channel } from "./channel.ts";
import type { TabMessage, TabNews } from "./message.ts";

// The leader answers in milliseconds unless it is frozen; a second is no pause in a talk.
const ANSWER_MS = 1_000;
// A link is proved by a second frame, at least 250 ms after the first.
const FIRST_ASK_MS = 300;
// It costs the network nothing, and is how a leader's crash is noticed where the browser tells nobody of it.
const ASK_MS = 3_000;
// Timers of a tab that nobody looks at come late, by up to a minute after five minutes: the lead goes to a visible one.
const HIDDEN_LEADER_MS = 60_000;

type GuestOptions = {
  environment: Environment;
  channel: Channel;
  /** Takes the lead. */
  claim(): void;
  hidden(): boolean;
  /** How the leader's session stands. */
  told(status: SessionStatus): void;
};

/** The way by the leading tab: to a session it is a stream that says hello, pings, and brings the rooms' news. */
export function createTabLink(options: GuestOptions): Transport {
  return { name: "tab", streams: true, open: (reading, sink) => open(options, reading, sink) };
}

function open(
  { environment, channel, claim, hidden, told }: GuestOptions,
  { rooms, after, nonce }: Parameters<Transport["open"]>[0],
  sink: Sink,
): () => void {
  // two tabs might choose one nonce
  const link = `${channel.tab}.${nonce}`;
  let leader: string | undefined;
  let isOver = false;
  let isAsking = true;
  let stopTimer = environment.later(ANSWER_MS, claim);
  const stopListening = channel.listen(hear);
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
    sink.ended(ending);
  }

  function hear(message: TabMessage): void {
    if (message.say === "here" && message.link === link) here(message);
    else if (message.say === "full" && message.link === link) end({ how: "refused" });
    else if (message.say === "unknown" && message.link === link) end({ how: "bye", retryMs: 0 });
    else if (message.say === "lead") meet(message.from);
    else if (message.from === leader) listen(message);
  }

  /** Somebody leads, who may be another one, and may not have heard of this link. */
  function meet(tab: string): void {
    if (leader === undefined) join();
    else if (tab !== leader) end({ how: "bye", retryMs: 0 });
  }

  function here({ from, ping, state }: Extract<TabMessage, { say: "here" }>): void {
    const isFirst = leader === undefined;
    leader = from;
    told(state.status);
    if (isFirst) sink.hello(helloOf(ping));
    else sink.ping(ping);
    if (isAsking) {
      isAsking = false;
      stopTimer();
      stopTimer = environment.later(isFirst ? FIRST_ASK_MS : ASK_MS, ask);
    }
    const isIdle = state.hiddenMs > HIDDEN_LEADER_MS || (state.hiddenMs > 0 && state.status.state !== "live");
    if (isIdle && !hidden()) claim();
  }

  function ask(): void {
    isAsking = true;
    channel.post({ say: "ask", link });
    stopTimer = environment.later(ANSWER_MS, claim);
  }

  function helloOf({ cursor, heads }: PingSignal): HelloSignal {
    return { chattera: 1, protocol: PROTOCOL_VERSION, retry: 0, ping: ASK_MS, cursor, heads, n: nonce };
  }

  function listen(message: TabMessage): void {
    if (message.say === "news" && rooms.includes(message.of.news.room)) give(message.of);
    if (message.say === "gone") end({ how: "bye", retryMs: 0 });
    if (message.say === "state") told(message.state.status);
    if (message.say === "ping") {
      const { cursor, heads } = message.ping;
      sink.ping({ cursor, heads: Object.fromEntries(Object.entries(heads).filter(([room]) => rooms.includes(room))) });
    }
  }

  function give(of: TabNews): void {
    if (of.name === "event") sink.event(of.news, of.cursor);
    else if (of.name === "members") sink.members(of.news);
    else if (of.name === "typing") sink.typing(of.news);
    else sink.reset(of.news);
  }
}
