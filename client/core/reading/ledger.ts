import type {
  HelloSignal,
  MembersSignal,
  PingSignal,
  PollAnswer,
  ResetSignal,
  RoomEvent,
  TypingSignal,
} from "../../../protocol/event.ts";
import type { Emitter } from "../base/emitter.ts";
import { without } from "../base/list.ts";

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
export type Ledger = {
  rooms(): string[];
  /** The cursors to go on from, each once. */
  after(): string[];
  /** The last seq of a room that the application was given, -1 while that is not known. */
  seq(room: string): number;
  follow(place: Place): void;
  unfollow(room: string): void;
  /** Takes what a stream brings that was opened with the cursors `asked`. */
  stream: {
    hello(hello: HelloSignal, asked: string[]): void;
    ping(ping: PingSignal): void;
    event(event: RoomEvent, cursor: string, asked: string[]): void;
    members(signal: MembersSignal): void;
    typing(signal: TypingSignal): void;
    /** The word that these cursors cannot be continued. */
    reset(reset: ResetSignal, asked: string[]): void;
  };
  /** Takes a poll's answer to the cursors `asked`; says whether there was something new in it. */
  answer(answer: PollAnswer, asked: string[]): boolean;
  /** Nothing is taken any more. */
  close(): void;
};

/** `gap`: a stream has left something out; `head`: it says it has sent this seq; `reset`: what was expected is void. */
export type LedgerNotice = { gap(): void; head(room: string, seq: number): void; reset(): void; event(): void };

/** `dropped` is the last event that came after a gap and was not taken. */
type Row = Place & { dropped: number };

/** A ledger that tells `emitter`. Signals and events of rooms that are not followed any more are dropped. */
export function createLedger(emitter: Pick<Emitter<News>, "emit">, places: Place[], notice: LedgerNotice): Ledger {
  let rows: Row[] = [];
  let isClosed = false;
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

  /** Does who asked so continue the row? */
  function continues(row: Row, asked: string[]): boolean {
    return row.cursor === "" || has(asked, row.cursor);
  }

  /** `undefined`: events are missing before this one, or may be: another connection begins elsewhere than the row does. */
  function take(row: Row, event: RoomEvent, asked: string[]): boolean | undefined {
    if (row.seq < 0 ? !continues(row, asked) : event.seq > row.seq + 1) return undefined;
    if (event.seq <= row.seq) return false;
    row.seq = event.seq;
    notice.event();
    emitter.emit("event", event);
    return true;
  }

  // Who asked when we were elsewhere is told what we have heard by another way, or need not.
  function reset(row: Row, signal: ResetSignal, asked: string[]): boolean {
    if (!continues(row, asked)) return false;
    // Beside rooms that have cursors, one that is to be read from now on is taken for one that cannot be continued.
    const isNew = row.cursor === "";
    row.cursor = signal.cursor;
    row.seq = signal.head;
    if (!isNew) tellReset(row, signal);
    return true;
  }

  function tellReset(row: Row, signal: ResetSignal): void {
    row.dropped = -1;
    notice.reset();
    emitter.emit("reset", signal);
  }

  // Asked from our cursor on, the log begins later than that: it has a hole, and nothing more can be asked for.
  function leap(row: Row, event: RoomEvent, asked: string[]): void {
    const { room, seq } = event;
    row.seq = seq - 1;
    tellReset(row, { room, reason: "pruned", cursor: "", oldest: seq, head: seq });
    take(row, event, asked);
  }

  function answer(poll: PollAnswer, asked: string[]): boolean {
    const { events, signals, cursor: behind } = poll;
    const lost = poll.resets ?? (poll.reset === undefined ? [] : [poll.reset]);
    let news = false;
    for (let i = 0; i < lost.length; i++) {
      const row = find((lost[i] as ResetSignal).room);
      if (row !== undefined && reset(row, lost[i] as ResetSignal, asked)) news = true;
    }
    for (let i = 0; i < events.length && !isClosed; i++) if (answered(events[i] as RoomEvent, asked)) news = true;
    // Only behind all of them the answer's cursor is true.
    if (isClosed) return news;
    for (let i = 0; i < events.length; i++) {
      const row = find((events[i] as RoomEvent).room);
      // Another connection may have gone farther meanwhile: then this answer's cursor is an old one.
      if (row?.seq === events[i]?.seq) (row as Row).cursor = behind;
    }
    place(behind, asked);
    for (let i = 0; i < signals.length; i++) {
      const signal = signals[i] as PollAnswer["signals"][number];
      if (signal.signal === "members" && find(signal.room) !== undefined) emitter.emit("members", signal);
    }
    return news;
  }

  function answered(event: RoomEvent, asked: string[]): boolean {
    const row = find(event.room);
    if (row === undefined) return false;
    const taken = take(row, event, asked);
    // who asked elsewhere shows no hole
    if (taken === undefined && !continues(row, asked)) return false;
    if (taken === undefined) leap(row, event, asked);
    return taken !== false;
  }

  // Who asked without a cursor begins at this one; beside other cursors a room without one is told its own by a reset.
  function place(cursor: string, asked: string[]): void {
    if (asked.length > 0) return;
    asked.push(cursor);
    for (let i = 0; i < rows.length; i++) if (rows[i]?.cursor === "") (rows[i] as Row).cursor = cursor;
  }

  const stream: Ledger["stream"] = {
    hello: (hello, asked) => place(hello.cursor, asked),
    ping(ping) {
      for (const room in ping.heads) {
        // what we have seen of a room is not known before its first event
        if ((find(room)?.seq ?? -1) >= 0) notice.head(room, ping.heads[room] as number);
      }
      // The question about the gap has failed, and no event came to ask it again.
      for (let i = 0; i < rows.length; i++) if ((rows[i] as Row).dropped > (rows[i] as Row).seq) notice.gap();
      emitter.emit("ping", ping);
    },
    event(event, behind, asked) {
      const row = find(event.room);
      if (row === undefined || isClosed) return;
      const taken = take(row, event, asked);
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
    reset(signal, asked) {
      const row = find(signal.room);
      if (row === undefined || reset(row, signal, asked) || row.cursor === signal.cursor) return;
      // We have gone on since this stream was opened: the log tells whether from where we are now we can.
      notice.gap();
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
    close() {
      isClosed = true;
    },
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
