import { createSession, type ReadingSession, type SessionOptions } from "../core/reading/session.ts";
import type { SessionStatus } from "../core/reading/state.ts";
import type { Channel } from "./channel.ts";
import { createTabLink } from "./guest.ts";
import { closeHost, createHost, overhear, serveGuests } from "./host.ts";

/** The session that a tab reads by for now: alone, as the leader, or as a guest. */
export type TabReader = {
  session: ReadingSession;
  /** Calls back with each status that concerns the reader of the page. */
  onStatus(listener: (status: SessionStatus) => void): void;
  end(): void;
};

/** Creates a reader for a tab that cannot reach others. */
export function createLoneReader(options: SessionOptions): TabReader {
  return readerOf(createSession(options), () => {});
}

/** Creates a reader whose session also reads for the other tabs. */
export function createLeader(options: SessionOptions, channel: Channel, hiddenMs: () => number): TabReader {
  const { environment, streams, polls, rooms } = options;
  const host = createHost({ environment, channel, hiddenMs });
  const session = createSession({
    ...options,
    streams: streams.map((transport) => overhear(host, transport)),
    polls: polls.map((transport) => overhear(host, transport)),
  });
  serveGuests(host, session, rooms[0]?.room || "");
  return readerOf(session, () => closeHost(host));
}

/**
 * Creates a reader whose only stream is the leading tab. It asks the site itself if that leaves
 * something out.
 */
export function createGuest(options: SessionOptions, channel: Channel, claim: () => void): TabReader {
  const { environment, hidden } = options;
  let leader: SessionStatus | undefined;
  let own: SessionStatus | undefined;
  let show = (_status: SessionStatus) => {};
  const link = createTabLink({
    environment,
    channel,
    claim,
    hidden,
    noteLeader(status) {
      leader = status;
      showStatus();
    },
  });
  const session = createSession({
    ...options,
    streams: [link],
    // The leader confirms its stream.
    confirm: () => () => {},
    // The fate of this link says nothing about the network.
    memory: { load: () => undefined, save() {} },
  });
  session.on("status", (status) => {
    own = status;
    showStatus();
  });
  return {
    session,
    onStatus(listener) {
      show = listener;
    },
    end: () => session.close(),
  };

  function showStatus(): void {
    // The reader of a guest sees the state of the leader's connection.
    const isLinked = own?.state === "live" && own.transport === link.name;
    if (isLinked && leader !== undefined) show(leader);
    // Having no leader is not evidence of a slow network.
    else if (own !== undefined) show({ ...own, slow: false });
  }
}

function readerOf(session: ReadingSession, release: () => void): TabReader {
  return {
    session,
    onStatus: (listener) => session.on("status", listener),
    end() {
      release();
      session.close();
    },
  };
}
