import { createEmitter, type Emitter } from "../core/base/emitter.ts";
import type { Position } from "../core/reading/ledger.ts";
import type { ReadingSession, SessionEvents, SessionOptions } from "../core/reading/session.ts";
import type { SessionStatus } from "../core/reading/state.ts";
import type { Channel } from "./channel.ts";
import { createLead, type Lead, type Locks } from "./lead.ts";
import { createGuest, createLeader, createLoneReader, type TabReader } from "./reader.ts";

/** A session that may read by another tab's connection. */
export type SharedSession = Pick<ReadingSession, "on" | "wake" | "expect" | "sending" | "doubt"> & {
  /** Joins the other tabs and starts to read. Also after `leave`. */
  start(): void;
  /** The page is left or frozen: another tab has to lead. */
  leave(): void;
};

/**
 * The options of a shared session. `rooms` is one room. Tabs whose channels have the same name
 * share a connection, so the name must identify the site and the reader.
 */
export type SharedOptions = SessionOptions & {
  openChannel(): Channel | undefined;
  locks: Locks | undefined;
  /** Returns for how long the page has been hidden, 0 while it is visible. */
  hiddenMs(): number;
};

/**
 * Creates a session that shares its connection with the other tabs of the browser. One tab leads:
 * its session has the connections, and reads for the other tabs what they ask for. The others are
 * its guests: their sessions have one stream, which comes by way of the leader, and questions of
 * their own if it leaves something out. A tab that gets or loses the lead continues from where it
 * is by another session.
 */
export function createSharedSession(options: SharedOptions): SharedSession {
  const { environment, locks, hiddenMs } = options;
  const emitter = createEmitter<SessionEvents>(environment);
  let position = options.rooms[0] as Position;
  let channel: Channel | undefined;
  let lead: Lead | undefined;
  let reader: TabReader | undefined;
  let shown: SessionStatus | undefined;
  let isSending = false;

  return {
    on: emitter.on,
    start() {
      if (lead !== undefined || reader !== undefined) return;
      const tabs = options.openChannel();
      channel = tabs;
      if (tabs === undefined) begin(createLoneReader({ ...options, rooms: [position] }));
      else lead = createLead({ environment, channel: tabs, locks }, (isMine) => read(tabs, isMine));
    },
    wake(connectionsAreDead) {
      reader?.session.wake(connectionsAreDead);
      channel?.post({ say: "wake" });
    },
    expect(room, seq, rttMs) {
      reader?.session.expect(room, seq, rttMs);
      channel?.post({ say: "expect", room, seq, rttMs });
    },
    doubt(since) {
      reader?.session.doubt(since);
      channel?.post({ say: "doubt", since });
    },
    sending(isUnderWay) {
      isSending = isUnderWay;
      if (reader !== undefined) reader.session.sending(isUnderWay);
      // Nothing is read yet, or any more.
      else if (isUnderWay) emitter.emit("turn", undefined);
    },
    leave() {
      end();
      lead?.leave();
      channel?.close();
      lead = channel = undefined;
    },
  };

  /** Continues as the leader or as a guest. */
  function read(tabs: Channel, isMine: boolean): void {
    end();
    const here = { ...options, rooms: [position] };
    begin(isMine ? createLeader(here, tabs, hiddenMs) : createGuest(here, tabs, () => lead?.claim()));
  }

  function begin(next: TabReader): void {
    reader = next;
    next.session.on("event", (event) => keep(event, event.seq));
    next.session.on("reset", (reset) => keep(reset, -1));
    forward(next.session, emitter, position.room);
    next.onStatus((status) => {
      // A session is closed when another one continues for this tab.
      if (status.state === "closed" || (shown !== undefined && isSame(status, shown))) return;
      shown = status;
      emitter.emit("status", status);
    });
    // A message may be under way, or may wait for a question of the session before.
    if (isSending) next.session.sending(true);
    next.session.start();
  }

  function keep({ room }: { room: string }, seq: number): void {
    if (room === position.room) position = { ...position, seq };
  }

  function end(): void {
    if (reader === undefined) return;
    const { session, end: close } = reader;
    reader = undefined;
    // The tab's own room is the first one, so this is its cursor.
    position = { ...position, cursor: session.after()[0] || position.cursor };
    close();
  }
}

/** Emits what a session reads of the tab's own room. */
function forward(session: ReadingSession, { emit }: Emitter<SessionEvents>, own: string): void {
  for (const name of ["event", "reset", "members", "typing"] as const) {
    session.on(name, (data) => data.room === own && emit(name, data as never));
  }
  session.on("ping", (ping) => emit("ping", ping));
  session.on("turn", () => emit("turn", undefined));
}

function isSame(one: SessionStatus, other: SessionStatus): boolean {
  const { state, transport, slow, failures, checking } = one;
  return (
    state === other.state &&
    transport === other.transport &&
    slow === other.slow &&
    failures === other.failures &&
    checking === other.checking
  );
}
