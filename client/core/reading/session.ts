import { createEmitter, type Emitter } from "../base/emitter.ts";
import type { Environment } from "../base/environment.ts";
import { createHold } from "../network/hold.ts";
import { createMemory, type MemoryStore } from "../network/memory.ts";
import { createCatchUp } from "./catch-up.ts";
import { createFeed, type Phase } from "./feed.ts";
import { createLedger, type News, type Place } from "./ledger.ts";
import { createLiveness } from "./liveness.ts";
import { createStatus, type SessionStatus } from "./status.ts";
import type { Streaming } from "./streamer.ts";
import type { Transport } from "./transport.ts";
import { createWatchdog } from "./watchdog.ts";

/** A session's news: what it was given, and how it stands. */
export type SessionEvents = News & { status: SessionStatus };

/** What a session needs: the world, its rooms, ways to the server, and what is known of the network. */
export type SessionOptions = {
  environment: Environment;
  /** Where the page or an earlier session left off. */
  rooms: Place[];
  /** Ways that stay open, as `streamingBy` gives them; without any it polls. */
  streaming?: Streaming;
  /** Ways to ask, best first; at least one. */
  polls: Transport[];
  /** A guess at the time to the server and back in milliseconds, 0 if there is none. */
  rttMs: number;
  hidden(): boolean;
  memory: MemoryStore;
};

/** One reader's way through its rooms, over as many connections as it takes: each event once, in order. */
export type Session = {
  on: Emitter<SessionEvents>["on"];
  start(): void;
  /** The page became visible, the network came back: look at once. `surely`: what was open is dead for certain. */
  wake(connectionsAreDead?: boolean): void;
  /** A message's receipt: the server can be reached, and what is in its log must be shown soon, or it is held back. */
  expect(room: string, seq: number, rttMs: number): void;
  /** A message is being sent: of two requests at a time it is one. */
  sending(isUnderWay: boolean): void;
  /** One more room over the same connection. */
  follow(place: Place): void;
  unfollow(room: string): void;
  /** The cursors to go on from, in another session too. */
  after(): string[];
  /** What is open now, see docs/client-states.md. */
  phase(): Phase | "closed";
  close(): void;
};

const CHECK_MS = 1_000;
const HEAD_PATIENCE_MS = 2_000;
const ECHO_PATIENCE_MS = 3_000;
const WAKES_APART_MS = 1_000;

/** A session that is not started yet. */
export function createSession(options: SessionOptions): Session {
  const { environment, hidden, streaming, polls, rttMs } = options;
  const emitter = createEmitter<SessionEvents>(environment);
  const status = createStatus(emitter);
  const memory = createMemory(options.memory);
  const hold = createHold(memory);
  const liveness = createLiveness(environment, hidden);
  const ledger = createLedger(emitter, options.rooms, {
    gap: () => catchUp.ask(nothing),
    head: (room, seq) => watchdog.expect(room, seq, HEAD_PATIENCE_MS),
    reset: () => watchdog.forget(),
    event: () => liveness.heard(true),
  });
  const feed = createFeed({
    environment,
    hidden,
    streaming,
    polls,
    rttMs,
    ledger,
    hold,
    memory,
    liveness,
    status,
    catchUp: () => catchUp,
  });
  const catchUp = createCatchUp(environment, feed.questionWay, feed.question, ledger, (isUnderWay) => {
    isAsking = isUnderWay;
    feed.giveWay(isAsking || isSending);
  });
  const watchdog = createWatchdog({
    environment,
    ledger,
    liveness,
    catchUp,
    carrier: feed.link,
    heldBack(isMute, fellSilent) {
      feed.dropStream(isMute, fellSilent);
      beginAnew();
      feed.serve();
    },
    pollDied: feed.pollDied,
  });
  let isSending = false;
  let isAsking = false;
  let wokeAt = 0;
  let stopCheck = nothing;

  return {
    on: emitter.on,
    start() {
      feed.serve();
      check();
    },
    wake,
    expect(room, seq, measuredMs) {
      if (status.is("closed")) return;
      feed.measured(measuredMs);
      if (status.is("waiting")) wake();
      watchdog.expect(room, seq, Math.max(ECHO_PATIENCE_MS, 2 * measuredMs + 1000));
    },
    sending(isUnderWay) {
      isSending = isUnderWay;
      catchUp.pause(isSending);
      feed.giveWay(isAsking || isSending);
    },
    follow(place) {
      ledger.follow(place);
      // the question that is under way does not name this room
      watchdog.forget();
      feed.renew();
    },
    unfollow: ledger.unfollow,
    after: ledger.after,
    phase: () => (status.is("closed") ? "closed" : feed.phase()),
    close() {
      stopCheck();
      status.set("closed");
      ledger.close();
      watchdog.forget();
      feed.close();
    },
  };

  function check(): void {
    stopCheck = environment.later(CHECK_MS, check);
    const verdict = liveness.check();
    if (verdict === "woke") wake();
    else if (verdict !== "fine" && !isSending && !status.is("waiting")) watchdog.look(verdict);
    feed.look();
  }

  function wake(connectionsAreDead = false): void {
    const now = environment.now();
    if (status.is("closed") || (!connectionsAreDead && now >= wokeAt && now - wokeAt < WAKES_APART_MS)) return;
    wokeAt = now;
    const isStreaming = feed.link()?.transport.streams === true;
    if (isStreaming && !connectionsAreDead && !liveness.isSilent()) {
      catchUp.ask(nothing);
      return;
    }
    if (connectionsAreDead || isStreaming) feed.dropStreams();
    beginAnew();
    feed.retry();
  }

  /** What was expected of what was open is void. */
  function beginAnew(): void {
    liveness.expectPing(0);
    watchdog.forget();
    status.set("connecting");
  }
}

function nothing(): void {}
