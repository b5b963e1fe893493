import { createBackoff } from "./backoff.ts";
import { createCatchUp } from "./catch-up.ts";
import { createEcho } from "./echo.ts";
import { createEmitter, type Emitter } from "./emitter.ts";
import { createHold } from "./hold.ts";
import { createIntake, type News } from "./intake.ts";
import { createLadder } from "./ladder.ts";
import { type Link, type LinkEnding, openLink } from "./link.ts";
import { createNonce, type Outside } from "./outside.ts";
import { createSilence } from "./silence.ts";
import { createStatus, type SessionStatus } from "./status.ts";
import type { Reading, Transport } from "./transport.ts";

/** A session's news: what it was given, and how it stands. */
export type SessionEvents = News & { status: SessionStatus };

/** What a session needs: the world, a room, ways to it, and a place to go on from. */
export type SessionOptions = {
  outside: Outside;
  room: string;
  /** Best first; the last one must be a poll, which also asks for what a stream has lost. */
  rungs: Transport[];
  /** Where the page or an earlier session left off; "" is "from now on". */
  cursor: string;
  /** The last event the application has, -1 if it does not know. */
  seq: number;
  /** A guess at the time to the server and back in milliseconds, 0 if there is none. */
  rttMs: number;
  hidden(): boolean;
};

/** One reader's way through one room, over as many connections as it takes: each event once, in order. */
export type Session = {
  on: Emitter<SessionEvents>["on"];
  start(): void;
  /** The page became visible, the network came back: look at once. `surely`: what was open is dead for certain. */
  wake(surely?: boolean): void;
  /** A remark's receipt: the server can be reached, and what is in its log must be shown soon, or it is held back. */
  expect(seq: number, rttMs: number): void;
  close(): void;
};

const CHECK_MS = 2_000;
const HEAD_PATIENCE_MS = 2_000;
const ECHO_PATIENCE_MS = 3_000;
const SHORT_LIFE_MS = 5_000;
const INSTANT_MS = 1_000;

/** A session that is not started yet. */
export function createSession(options: SessionOptions): Session {
  const { outside, rungs } = options;
  const emitter = createEmitter<SessionEvents>(outside);
  const status = createStatus(emitter);
  const ladder = createLadder(outside, rungs.length);
  const backoff = createBackoff(outside);
  const hold = createHold();
  const silence = createSilence(outside, options.hidden);
  const echo = createEcho(outside, shown, missed, () => {
    late = 0;
  });
  const intake = createIntake(emitter, options, {
    gap: () => catchUp.ask(nothing),
    head: (seq) => echo.expect(seq, HEAD_PATIENCE_MS),
    reset: forget,
  });
  const catchUp = createCatchUp(outside, rungs[rungs.length - 1] as Transport, () => reading(0), intake);
  let rttMs = options.rttMs;
  let link: Link | undefined;
  /** Times in a row that a question beside the stream brought what the stream should have brought. */
  let late = 0;
  let wokeAt = 0;
  let stopRetry = nothing;
  let stopCheck = nothing;

  return {
    on: emitter.on,
    start() {
      check();
      // A page that was woken before it started has one already.
      if (link === undefined) connect();
    },
    wake,
    expect(seq, measuredMs) {
      rttMs = measuredMs;
      if (status.is("waiting")) wake();
      echo.expect(seq, Math.max(ECHO_PATIENCE_MS, 2 * rttMs + 1000));
    },
    close,
  };

  function connect(): void {
    stopRetry();
    const transport = rungs[ladder.next()] as Transport;
    // While a lower rung works, a climb is nothing to show. Until something works, a poll is not held but answers at
    // once, so that the reader soon knows where he stands.
    const wait = transport.streams || !status.is("live") ? 0 : holdSeconds();
    if (!status.is("live")) status.set("connecting", transport);
    let news = false;
    silence.heard();
    link = openLink(
      outside,
      transport,
      reading(wait),
      { seq: intake.seq(), rttMs },
      {
        stream: intake.stream,
        answer(answer) {
          news = intake.answer(answer);
        },
        heard() {
          silence.heard();
          status.reached();
          // the ladder sees to streams that say hello and die; a poll that says nothing at once must be slowed down here
          if (transport.streams) backoff.reset();
        },
        proved() {
          ladder.proved();
          status.set("live", transport);
        },
        ended(ending) {
          link = undefined;
          if (ending.how === "answered") answered(wait, news || ending.livedMs >= INSTANT_MS);
          else failed(transport, ending);
        },
      },
    );
  }

  function reading(wait: number): Reading {
    return { room: options.room, after: intake.cursor(), nonce: createNonce(outside), wait };
  }

  function holdSeconds(): number {
    return rungs.length === 1 ? hold.seconds() : Math.min(hold.seconds(), Math.ceil(ladder.climbInMs() / 1000) + 1);
  }

  function answered(wait: number, askAtOnce: boolean): void {
    if (wait > 0) hold.answered();
    // A cache or a busy server says "nothing" at once, time after time: do not spin.
    const spins = wait > 0 && !askAtOnce;
    if (!spins) backoff.reset();
    stopRetry = outside.later(spins ? backoff.next() : 0, connect);
  }

  function failed(transport: Transport, ending: LinkEnding): void {
    if (ending.how === "bye") {
      retry(ending.retryMs ?? 0);
      return;
    }
    if (!transport.streams) hold.cut(ending.livedMs);
    // What lasted for a while carries; what is cut at once, time after time, does not.
    const lasted = ending.livedMs >= SHORT_LIFE_MS && (ending.proved || !transport.streams);
    if (!lasted && ladder.failed(ending.how === "mute" ? "mute" : "refused")) connect();
    else retry(backoff.next(ending.retryMs));
  }

  function retry(ms: number): void {
    status.set("waiting");
    stopRetry = outside.later(ms, connect);
  }

  function shown(): number {
    return link?.transport.streams === true ? link.shown() : intake.seq();
  }

  // An expected event did not come. A poll is asked anew; a stream is to blame only if a poll beside it brings the
  // event: otherwise it is the server that is late.
  function missed(): void {
    const blamed = link;
    if (blamed === undefined) return;
    if (!blamed.transport.streams) reconnect();
    else catchUp.ask((news) => news && link === blamed && heldBack());
  }

  // Once may be chance, and the poll beside it has cured it; twice in a row leads a rung down.
  function heldBack(): void {
    late++;
    if (late < 2) return;
    late = 0;
    ladder.failed("mute");
    reconnect();
  }

  function check(): void {
    stopCheck = outside.later(CHECK_MS, check);
    const verdict = silence.check();
    if (verdict === "woke") wake();
    if (verdict === "dead" && link !== undefined) fellSilent();
  }

  // A half-open connection: a fresh one cures it, but what falls silent time after time does not carry.
  function fellSilent(): void {
    heldBack();
    if (late > 0) reconnect();
  }

  function wake(surely = false): void {
    const now = outside.now();
    if (status.is("closed") || (!surely && now >= wokeAt && now - wokeAt < 1000)) return;
    wokeAt = now;
    if (surely || link === undefined || !link.transport.streams || silence.suspicious()) reconnect();
    else if (link.proved()) catchUp.ask(nothing);
  }

  function reconnect(): void {
    link?.close();
    link = undefined;
    forget();
    status.set("connecting");
    connect();
  }

  function forget(): void {
    catchUp.close();
    echo.close();
  }

  function close(): void {
    stopRetry();
    stopCheck();
    link?.close();
    link = undefined;
    forget();
    status.set("closed");
  }
}

function nothing(): void {}
