import { createEmitter } from "../core/base/emitter.ts";
import type { Position } from "../core/reading/ledger.ts";
import { createSession, type Session, type SessionEvents, type SessionOptions } from "../core/reading/session.ts";
import type { SessionStatus } from "../core/reading/state.ts";
import type { Channel } from "./channel.ts";
import { createTabLink } from "./guest.ts";
import { createHost } from "./host.ts";
import { createLead, type Lead, type Locks } from "./lead.ts";

/** A session's face, by whichever tab's connection it reads. */
export type SharedSession = Pick<Session, "on" | "wake" | "expect" | "sending"> & {
  /** Finds its place among the tabs and starts; also again, after `leave`. */
  start(): void;
  /** The page goes, or falls asleep: another tab is to lead. */
  leave(): void;
};

/** What it needs. Tabs of one channel share a connection: its name must tell the site, and who reads. */
export type SharedOptions = Omit<SessionOptions, "rooms"> & {
  place: Position;
  openChannel(): Channel | undefined;
  locks: Locks | undefined;
  /** How long nobody has looked at the page, 0 while somebody does. */
  hiddenMs(): number;
};

/**
 * One tab leads: its session has the connections, and reads for the other tabs what they ask for. Those are its guests:
 * their sessions have one stream, which comes by way of the leader, and beside it questions of their own where it leaves
 * something out. A tab that gets or loses the lead goes on from where it is, by a session of the other kind.
 */
export function createSharedSession(options: SharedOptions): SharedSession {
  const { environment, hidden } = options;
  const emitter = createEmitter<SessionEvents>(environment);
  let place = options.place;
  let channel: Channel | undefined;
  let lead: Lead | undefined;
  let session: Session | undefined;
  let endSession = () => {};
  let shown: SessionStatus | undefined;

  return {
    on: emitter.on,
    start() {
      if (lead !== undefined || session !== undefined) return;
      channel = options.openChannel();
      if (channel === undefined) read(undefined, false);
      else join(channel);
    },
    wake(connectionsAreDead) {
      session?.wake(connectionsAreDead);
      channel?.post({ say: "wake" });
    },
    expect(room, seq, rttMs) {
      session?.expect(room, seq, rttMs);
      channel?.post({ say: "expect", room, seq, rttMs });
    },
    sending: (isUnderWay) => session?.sending(isUnderWay),
    leave() {
      endSession();
      lead?.leave();
      channel?.close();
      lead = undefined;
      channel = undefined;
    },
  };

  function join(tabs: Channel): void {
    lead = createLead({ environment, channel: tabs, locks: options.locks }, (isMine) => read(tabs, isMine));
  }

  /** Reads on by a new session, as the leader or as a guest. */
  function read(tabs: Channel | undefined, isMine: boolean): void {
    endSession();
    if (tabs === undefined) begin(createSession({ ...options, rooms: [place] }), () => {});
    else if (isMine) beginAsLeader(tabs);
    else beginAsGuest(tabs);
  }

  function beginAsLeader(tabs: Channel): void {
    const host = createHost({ environment, channel: tabs, hiddenMs: options.hiddenMs });
    const leading = createSession({
      ...options,
      rooms: [place],
      streams: options.streams.map(host.overhear),
      polls: options.polls.map(host.overhear),
    });
    host.serve(leading, place.room);
    begin(leading, host.close);
  }

  function beginAsGuest(tabs: Channel): void {
    let leader: SessionStatus | undefined;
    let own: SessionStatus | undefined;
    const show = () => {
      // It is the leader's connection that the reader of a guest is told of.
      const isLinked = own?.state === "live" && own.transport === link.name;
      if (isLinked && leader !== undefined) tell(leader);
      // that no tab leads says nothing of the network
      else if (own !== undefined) tell({ ...own, slow: false });
    };
    const told = (status: SessionStatus) => {
      leader = status;
      show();
    };
    const link = createTabLink({ environment, channel: tabs, claim: () => lead?.claim(), hidden, told });
    // What this link goes through says nothing of the network.
    const memory = { load: () => undefined, save() {} };
    const following = createSession({
      ...options,
      rooms: [place],
      streams: [link],
      confirm: confirmNothing,
      memory,
    });
    begin(
      following,
      () => {},
      (status) => {
        own = status;
        show();
      },
    );
  }

  function begin(begun: Session, end: () => void, show: (status: SessionStatus) => void = tell): void {
    session = begun;
    begun.on("event", (event) => {
      if (event.room !== place.room) return;
      place = { ...place, seq: event.seq };
      emitter.emit("event", event);
    });
    begun.on("reset", (reset) => {
      if (reset.room !== place.room) return;
      place = { ...place, seq: -1 };
      emitter.emit("reset", reset);
    });
    begun.on("members", (signal) => signal.room === place.room && emitter.emit("members", signal));
    begun.on("typing", (signal) => signal.room === place.room && emitter.emit("typing", signal));
    begun.on("ping", (ping) => emitter.emit("ping", ping));
    begun.on("status", show);
    endSession = () => {
      endSession = () => {};
      session = undefined;
      // the own room is the first one, so this is its cursor
      place = { ...place, cursor: begun.after()[0] ?? place.cursor };
      end();
      begun.close();
    };
    begun.start();
  }

  function tell(status: SessionStatus): void {
    // the tab goes on: that one session is closed is nothing to tell
    if (status.state === "closed" || (shown !== undefined && isSame(status, shown))) return;
    shown = status;
    emitter.emit("status", status);
  }
}

function isSame(one: SessionStatus, other: SessionStatus): boolean {
  const { state, transport, slow, failures } = one;
  return state === other.state && transport === other.transport && slow === other.slow && failures === other.failures;
}

/** The tab that owns the stream confirms it. */
function confirmNothing(): () => void {
  return () => {};
}
