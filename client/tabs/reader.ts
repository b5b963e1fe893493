import type { Environment } from "../core/base/environment.ts";
import { openIn } from "../core/base/throttle.ts";
import { createSession, type ReadingSession, type SessionOptions } from "../core/reading/session.ts";
import type { SessionStatus } from "../core/reading/state.ts";
import type { Transport } from "../core/reading/transport.ts";
import type { Channel } from "./channel.ts";
import { createTabLink } from "./guest.ts";
import { closeHost, createHost, overhear, serveGuests } from "./host.ts";

// A link proves itself 0.3 s after the leader's first answer.
const LINK_MS = 1_000;

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
  const { environment, hidden, polls } = options;
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
    polls: polls.map((poll) => patient(environment, poll)),
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

/**
 * Returns the same poll, which at first waits for a link that needs none: the leader has both
 * connections meanwhile, to read one more room. A question does not wait.
 */
function patient(environment: Environment, poll: Transport): Transport {
  const dueAt = environment.now() + LINK_MS;
  return {
    ...poll,
    open: (reading, sink) =>
      openIn(environment, reading.once ? 0 : dueAt - environment.now(), () => poll.open(reading, sink)),
  };
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
