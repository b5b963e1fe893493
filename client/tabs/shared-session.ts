import { roomOfLog } from "../../protocol/inbox.ts";
import { createEmitter, type Emitter } from "../core/base/emitter.ts";
import type { Position } from "../core/reading/ledger.ts";
import { isSameStatus } from "../core/reading/orders.ts";
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

type Shared = {
  options: SharedOptions;
  emitter: Emitter<SessionEvents>;
  position: Position;
  channel?: Channel | undefined;
  lead?: Lead | undefined;
  reader?: TabReader | undefined;
  shown?: SessionStatus;
  isSending: boolean;
};

/**
 * Creates a session that shares its connection with the other tabs of the browser. One tab leads:
 * its session has the connections, and reads for the other tabs what they ask for. The others are
 * its guests: their sessions have one stream, which comes by way of the leader, and questions of
 * their own if it leaves something out. A tab that gets or loses the lead continues from where it
 * is by another session.
 */
export function createSharedSession(options: SharedOptions): SharedSession {
  const emitter = createEmitter<SessionEvents>(options.environment);
  const shared: Shared = { options, emitter, position: options.rooms[0] as Position, isSending: false };
  return {
    on: emitter.on,
    start: () => start(shared),
    wake(connectionsAreDead) {
      shared.reader?.session.wake(connectionsAreDead);
      shared.channel?.post({ say: "wake" });
    },
    expect(room, seq, rttMs) {
      shared.reader?.session.expect(room, seq, rttMs);
      shared.channel?.post({ say: "expect", room, seq, rttMs });
    },
    doubt(since) {
      shared.reader?.session.doubt(since);
      shared.channel?.post({ say: "doubt", since });
    },
    sending(isUnderWay) {
      shared.isSending = isUnderWay;
      if (shared.reader !== undefined) shared.reader.session.sending(isUnderWay);
      // Nothing is read yet, or any more.
      else if (isUnderWay) emitter.emit("turn", undefined);
    },
    leave() {
      end(shared);
      shared.lead?.leave();
      shared.channel?.close();
      shared.lead = shared.channel = undefined;
    },
  };
}

function start(shared: Shared): void {
  const { options, position } = shared;
  const { environment, locks } = options;
  if (shared.lead !== undefined || shared.reader !== undefined) return;
  const tabs = options.openChannel();
  shared.channel = tabs;
  if (tabs === undefined) begin(shared, createLoneReader({ ...options, rooms: [position] }));
  else shared.lead = createLead({ environment, channel: tabs, locks }, (isMine) => read(shared, tabs, isMine));
}

/** Continues as the leader or as a guest. */
function read(shared: Shared, tabs: Channel, isMine: boolean): void {
  end(shared);
  const { options, position } = shared;
  const here = { ...options, rooms: [position] };
  const reader = isMine
    ? createLeader(here, tabs, options.hiddenMs)
    : createGuest(here, tabs, () => shared.lead?.claim());
  begin(shared, reader);
}

function begin(shared: Shared, next: TabReader): void {
  const { emitter, position, isSending } = shared;
  const { session } = next;
  shared.reader = next;
  forward(session, emitter, position.room);
  next.onStatus((status) => {
    // A session is closed when another one continues for this tab.
    if (status.state === "closed" || (shared.shown !== undefined && isSameStatus(status, shared.shown))) return;
    shared.shown = status;
    emitter.emit("status", status);
  });
  // A message may be under way, or may wait for a question of the session before.
  if (isSending) session.sending(true);
  session.start();
}

function end(shared: Shared): void {
  const { reader, position } = shared;
  if (reader === undefined) return;
  shared.reader = undefined;
  const now = reader.session.positionIn(position.room);
  if (now !== undefined && now.cursor !== "") shared.position = now;
  reader.end();
}

/** Emits what a session reads of the tab's own room, and of the reader's inbox there. */
function forward(session: ReadingSession, { emit }: Emitter<SessionEvents>, own: string): void {
  for (const name of ["event", "reset", "members", "typing", "room"] as const) {
    session.on(name, (data) => roomOfLog(data.room) === own && emit(name, data as never));
  }
  session.on("ping", (ping) => emit("ping", ping));
  session.on("turn", () => emit("turn", undefined));
}
