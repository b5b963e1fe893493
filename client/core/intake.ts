import type {
  MembersSignal,
  PingSignal,
  PollAnswer,
  ResetSignal,
  RoomEvent,
  TypingSignal,
} from "../../protocol/event.ts";
import type { Emitter } from "./emitter.ts";
import { without } from "./list.ts";
import type { Sink } from "./transport.ts";

/** What the application is given. `reset`: the room cannot be continued where it was left; read its history again. */
export type News = {
  event: RoomEvent;
  members: MembersSignal;
  typing: TypingSignal;
  reset: ResetSignal;
  ping: PingSignal;
};

/** How far a room is read: a cursor to go on from, "" for "from now on", and the last seq, -1 while it is not known. */
export type Place = { room: string; cursor: string; seq: number };

/** The one gate through which everything comes to the application: each event of each room once, in order. */
export type Intake = {
  rooms(): string[];
  /** The cursors to go on from, each once. */
  after(): string[];
  /** The last seq of a room that the application was given, -1 while that is not known. */
  seq(room: string): number;
  follow(place: Place): void;
  unfollow(room: string): void;
  /** Takes what a stream brings. */
  stream: Pick<Sink, "hello" | "ping" | "event" | "members" | "typing">;
  /** Takes a poll's answer to the cursors `asked`; says whether there was something new in it. */
  answer(answer: PollAnswer, asked: string[]): boolean;
  /** Takes the word that the cursors `asked` cannot be continued. */
  reset(reset: ResetSignal, asked: string[]): void;
};

/** `gap`: a stream has left something out; `head`: it says it has sent this seq; `reset`: what was expected is void. */
export type IntakeNotice = { gap(): void; head(room: string, seq: number): void; reset(): void; event(): void };

/** `dropped` is the last event that came after a gap and was not taken. */
type Row = Place & { dropped: number };

/** An intake that tells `emitter`. Signals and events of rooms that are not followed any more are dropped. */
export function createIntake(emitter: Pick<Emitter<News>, "emit">, places: Place[], notice: IntakeNotice): Intake {
  let rows: Row[] = [];
  for (let i = 0; i < places.length; i++) follow(places[i] as Place);

  function follow({ room, cursor, seq }: Place): void {
    unfollow(room);
    rows = rows.concat([{ room, cursor, seq, dropped: -1 }]);
  }

  function unfollow(room: string): void {
    const row = find(room);
    if (row !== undefined) rows = without(rows, row);
  }

  function find(room: string): Row | undefined {
    for (let i = 0; i < rows.length; i++) if (rows[i]?.room === room) return rows[i];
    return undefined;
  }

  /** `undefined`: events are missing before this one. */
  function take(row: Row, event: RoomEvent): boolean | undefined {
    if (row.seq >= 0 && event.seq <= row.seq) return false;
    if (row.seq >= 0 && event.seq > row.seq + 1) return undefined;
    row.seq = event.seq;
    notice.event();
    emitter.emit("event", event);
    return true;
  }

  // Who asked when we were elsewhere is told what we have heard by another way, or need not.
  function reset(signal: ResetSignal, asked: string[]): boolean {
    const row = find(signal.room);
    const isOld = row === undefined || (row.cursor !== "" && !has(asked, row.cursor));
    if (!isOld) startAnew(row, signal);
    return !isOld;
  }

  function startAnew(row: Row, reset: ResetSignal): void {
    row.cursor = reset.cursor;
    row.seq = -1;
    row.dropped = -1;
    notice.reset();
    emitter.emit("reset", reset);
  }

  // Asked from our cursor on, the log begins later than that: it has a hole, and nothing more can be asked for.
  function leap(row: Row, event: RoomEvent): void {
    startAnew(row, { room: event.room, reason: "pruned", cursor: "", oldest: event.seq, head: event.seq });
    take(row, event);
  }

  function answer(poll: PollAnswer, asked: string[]): boolean {
    const { events, signals, cursor: behind } = poll;
    const lost = poll.resets ?? (poll.reset === undefined ? [] : [poll.reset]);
    let news = false;
    for (let i = 0; i < lost.length; i++) if (reset(lost[i] as ResetSignal, asked)) news = true;
    for (let i = 0; i < events.length; i++) {
      const event = events[i] as RoomEvent;
      const row = find(event.room);
      if (row === undefined) continue;
      const taken = take(row, event);
      if (taken === undefined) leap(row, event);
      if (taken !== false) news = true;
      // Another connection may have gone farther meanwhile: then this answer's cursor is an old one.
      if (row.seq === event.seq) row.cursor = behind;
    }
    for (let i = 0; i < rows.length; i++) if (rows[i]?.cursor === "") (rows[i] as Row).cursor = behind;
    for (let i = 0; i < signals.length; i++) {
      const signal = signals[i] as PollAnswer["signals"][number];
      if (signal.signal === "members" && find(signal.room) !== undefined) emitter.emit("members", signal);
    }
    return news;
  }

  const stream: Intake["stream"] = {
    hello(hello) {
      for (let i = 0; i < rows.length; i++) if (rows[i]?.cursor === "") (rows[i] as Row).cursor = hello.cursor;
    },
    ping(ping) {
      for (const room in ping.heads) notice.head(room, ping.heads[room] as number);
      // The question about the gap has failed, and no event came to ask it again.
      for (let i = 0; i < rows.length; i++) if ((rows[i] as Row).dropped > (rows[i] as Row).seq) notice.gap();
      emitter.emit("ping", ping);
    },
    event(event, behind) {
      const row = find(event.room);
      if (row === undefined) return;
      const taken = take(row, event);
      if (taken === true && behind !== "") row.cursor = behind;
      // It is dropped and comes again with those before it: the log after our cursor is all there is to ask for.
      if (taken !== undefined) return;
      row.dropped = event.seq;
      notice.gap();
    },
    members(signal) {
      if (find(signal.room) !== undefined) emitter.emit("members", signal);
    },
    typing(signal) {
      if (find(signal.room) !== undefined) emitter.emit("typing", signal);
    },
  };

  return {
    rooms() {
      const rooms: string[] = [];
      for (let i = 0; i < rows.length; i++) rooms.push((rows[i] as Row).room);
      return rooms;
    },
    after: () => distinctCursors(rows),
    seq: (room) => find(room)?.seq ?? -1,
    follow,
    unfollow,
    stream,
    answer,
    reset,
  };
}

function distinctCursors(rows: Row[]): string[] {
  const cursors: string[] = [];
  for (let i = 0; i < rows.length; i++) {
    const { cursor } = rows[i] as Row;
    if (cursor !== "" && !has(cursors, cursor)) cursors.push(cursor);
  }
  return cursors;
}

function has(texts: string[], text: string): boolean {
  for (let i = 0; i < texts.length; i++) if (texts[i] === text) return true;
  return false;
}
