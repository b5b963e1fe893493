import { createCarriage, type Phase } from "./carriage.ts";
import { createCatchUp } from "./catch-up.ts";
import { createEmitter, type Emitter } from "./emitter.ts";
import { createHold } from "./hold.ts";
import { createIntake, type News, type Place } from "./intake.ts";
import { createMemory, type MemoryStore } from "./memory.ts";
import type { Outside } from "./outside.ts";
import { createSilence } from "./silence.ts";
import { createStatus, type SessionStatus } from "./status.ts";
import type { Streaming } from "./streamer.ts";
import { createSuspicion } from "./suspicion.ts";
import type { Transport } from "./transport.ts";

/** A session's news: what it was given, and how it stands. */
export type SessionEvents = News & { status: SessionStatus };

/** What a session needs: the world, its rooms, ways to the server, and what is known of the network. */
export type SessionOptions = {
  outside: Outside;
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
  wake(surely?: boolean): void;
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
  const { outside, hidden, streaming, polls, rttMs } = options;
  const emitter = createEmitter<SessionEvents>(outside);
  const status = createStatus(emitter);
  const memory = createMemory(options.memory);
  const hold = createHold(memory);
  const silence = createSilence(outside, hidden);
  const intake = createIntake(emitter, options.rooms, {
    gap: () => catchUp.ask(nothing),
    head: (room, seq) => suspicion.expect(room, seq, HEAD_PATIENCE_MS),
    reset: () => suspicion.forget(),
    event: () => silence.heard(true),
  });
  const carriage = createCarriage({
    outside,
    hidden,
    streaming,
    polls,
    rttMs,
    intake,
    hold,
    memory,
    silence,
    status,
    catchUp: () => catchUp,
  });
  const catchUp = createCatchUp(outside, carriage.questionWay, carriage.question, intake, (isUnderWay) => {
    isAsking = isUnderWay;
    carriage.giveWay(isAsking || isSending);
  });
  const suspicion = createSuspicion({
    outside,
    intake,
    silence,
    catchUp,
    carrier: carriage.link,
    heldBack(isMute, fellSilent) {
      carriage.dropStream(isMute, fellSilent);
      beginAnew();
      carriage.serve();
    },
    pollDied: carriage.pollDied,
  });
  let isSending = false;
  let isAsking = false;
  let wokeAt = 0;
  let stopCheck = nothing;

  return {
    on: emitter.on,
    start() {
      carriage.serve();
      check();
    },
    wake,
    expect(room, seq, measuredMs) {
      if (status.is("closed")) return;
      carriage.measured(measuredMs);
      if (status.is("waiting")) wake();
      suspicion.expect(room, seq, Math.max(ECHO_PATIENCE_MS, 2 * measuredMs + 1000));
    },
    sending(isUnderWay) {
      isSending = isUnderWay;
      catchUp.pause(isSending);
      carriage.giveWay(isAsking || isSending);
    },
    follow(place) {
      intake.follow(place);
      // the question that is under way does not name this room
      suspicion.forget();
      carriage.renew();
    },
    unfollow: intake.unfollow,
    after: intake.after,
    phase: () => (status.is("closed") ? "closed" : carriage.phase()),
    close() {
      stopCheck();
      status.set("closed");
      intake.close();
      suspicion.forget();
      carriage.close();
    },
  };

  function check(): void {
    stopCheck = outside.later(CHECK_MS, check);
    const verdict = silence.check();
    if (verdict === "woke") wake();
    else if (verdict !== "fine" && !isSending && !status.is("waiting")) suspicion.look(verdict);
    carriage.look();
  }

  function wake(surely = false): void {
    const now = outside.now();
    if (status.is("closed") || (!surely && now >= wokeAt && now - wokeAt < WAKES_APART_MS)) return;
    wokeAt = now;
    const isStreaming = carriage.link()?.transport.streams === true;
    if (isStreaming && !surely && !silence.isSilent()) {
      catchUp.ask(nothing);
      return;
    }
    if (surely || isStreaming) carriage.dropStreams();
    beginAnew();
    carriage.again();
  }

  /** What was expected of what was open is void. */
  function beginAnew(): void {
    silence.expectPing(0);
    suspicion.forget();
    status.set("connecting");
  }
}

function nothing(): void {}
