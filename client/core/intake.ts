import type { MembersSignal, PollAnswer, ResetSignal, RoomEvent, TypingSignal } from "../../protocol/event.ts";
import type { Emitter } from "./emitter.ts";
import type { Sink } from "./transport.ts";

/** What the application is given. `reset`: the room cannot be continued where it was left; read its history again. */
export type News = { event: RoomEvent; members: MembersSignal; typing: TypingSignal; reset: ResetSignal };

/** The one gate through which everything comes to the application: each event once, in order. */
export type Intake = {
  cursor(): string;
  /** The last seq the application was given, -1 while that is not known. */
  seq(): number;
  /** Takes what a stream brings. */
  stream: Sink;
  /** Takes a poll's answer; says whether there was something new in it. */
  answer(answer: PollAnswer): boolean;
};

/** `gap`: a stream has left something out; `head`: it says it has sent this seq; `reset`: what was expected is void. */
export function createIntake(
  emitter: Pick<Emitter<News>, "emit">,
  start: { cursor: string; seq: number },
  notice: { gap(): void; head(seq: number): void; reset(): void },
): Intake {
  let { cursor, seq } = start;
  /** The last event that came after a gap and was dropped. */
  let dropped = -1;

  /** `undefined`: events are missing before this one. */
  function take(event: RoomEvent): boolean | undefined {
    if (seq >= 0 && event.seq <= seq) return false;
    if (seq >= 0 && event.seq > seq + 1) return undefined;
    seq = event.seq;
    emitter.emit("event", event);
    return true;
  }

  function startAnew(reset: ResetSignal): void {
    cursor = reset.cursor;
    seq = -1;
    dropped = -1;
    notice.reset();
    emitter.emit("reset", reset);
  }

  // Asked from our cursor on, the log begins later than that: it has a hole, and nothing more can be asked for.
  function leap(event: RoomEvent): void {
    startAnew({ room: event.room, reason: "pruned", cursor: "", oldest: event.seq, head: event.seq });
    take(event);
  }

  function answer({ reset, events, signals, cursor: behind }: PollAnswer): boolean {
    let news = reset !== undefined;
    if (reset !== undefined) startAnew(reset);
    for (let i = 0; i < events.length; i++) {
      const event = events[i] as RoomEvent;
      const taken = take(event);
      if (taken === undefined) leap(event);
      if (taken !== false) news = true;
    }
    // Another connection may have gone farther meanwhile: then this cursor is an old one.
    const last = events[events.length - 1];
    if (cursor === "" || (last !== undefined && last.seq === seq)) cursor = behind;
    for (let i = 0; i < signals.length; i++) {
      const signal = signals[i] as PollAnswer["signals"][number];
      if (signal.signal === "members") emitter.emit("members", signal);
    }
    return news;
  }

  const stream: Sink = {
    hello(hello) {
      if (cursor === "") cursor = hello.cursor;
    },
    ping(ping) {
      for (const room in ping.heads) notice.head(ping.heads[room] as number);
      // The question about the gap has failed, and no event came to ask it again.
      if (dropped > seq) notice.gap();
    },
    event(event, behind) {
      const taken = take(event);
      if (taken === true && behind !== "") cursor = behind;
      // It is dropped and comes again with those before it: the log after our cursor is all there is to ask for.
      if (taken !== undefined) return;
      dropped = event.seq;
      notice.gap();
    },
    members: (signal) => emitter.emit("members", signal),
    typing: (signal) => emitter.emit("typing", signal),
    reset: startAnew,
    answer,
    ended() {},
  };
  return { cursor: () => cursor, seq: () => seq, stream, answer };
}
