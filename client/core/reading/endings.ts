import { nextDelay, resetBackoff } from "../network/backoff.ts";
import { held, notHeld } from "../network/hold.ts";
import { failed, refused } from "../network/ladder.ts";
import { cut } from "../network/pace.ts";
import type { Link } from "./link.ts";
import { expectPing } from "./liveness.ts";
import { report, wakeIn } from "./orders.ts";
import { is } from "./phase.ts";
import { pollIn, showPolling } from "./polls.ts";
import { afterQuestion, ask } from "./question.ts";
import { drop } from "./requests.ts";
import type { Question, State } from "./state.ts";
import { letGo, prove } from "./streams.ts";
import type { Ending } from "./transport.ts";
import { conclude, judgeFallen, type QuestionResult } from "./watchdog.ts";
import { wayAnswered, wayFailed } from "./ways.ts";

// A poll that was to be held and is answered sooner and empty was not held: a cache or an
// overloaded server answered.
const INSTANT_MS = 1_000;
const SHORT_PAUSE_MS = 1_500;
const SHORT_LIFE_MS = 5_000;
const RENEW_AGAIN_MS = 30_000;

/** How a link ended; `mute`: it was a stream and did not prove itself in time. */
type LinkEnding = {
  how: Ending["how"] | "mute";
  retryMs?: number | undefined;
  code?: string;
  lostMs?: number | undefined;
};

/** A link has ended. */
export function end(state: State, link: Link, ending: LinkEnding): void {
  const { poll, candidate, stream, question } = state;
  if (link.isOver) return;
  drop(state, link);
  if (link === poll) pollEnded(state, link, ending);
  else if (link === candidate) candidateEnded(state, link, ending);
  else if (link === stream) streamEnded(state, link, ending);
  else if (link === question) questionEnded(state, link, ending);
}

function pollEnded(state: State, link: Link, ending: LinkEnding): void {
  const { how, retryMs, lostMs } = ending;
  if (how === "answered") pollAnswered(state, link, lostMs);
  else if (how === "bye") pollIn(state, retryMs || 0);
  else pollFailed(state, link, ending);
}

function pollAnswered(state: State, { reading, isNew, openedAt, transport }: Link, lostMs = 0): void {
  const { pollBackoff, now } = state;
  const { wait } = reading;
  const livedMs = now - openedAt - lostMs;
  if (wait === 0) state.rttMs = Math.max(1, livedMs);
  state.failures = 0;
  wayAnswered(state, transport);
  judgeFallen(state);
  held(state, wait);
  // A cache answers "nothing" at once, time after time.
  const spins = wait > 0 && !isNew && livedMs < INSTANT_MS;
  if (!spins) resetBackoff(pollBackoff);
  pollIn(state, spins ? nextDelay(pollBackoff) : state.holdSeconds === 0 && is(state, "live") ? SHORT_PAUSE_MS : 0);
  state.polled++;
  state.waitsForServer = false;
  showPolling(state);
  prove(state);
}

function pollFailed(state: State, { reading, openedAt }: Link, { retryMs, code = "" }: LinkEnding): void {
  if (wayFailed(state, retryMs)) {
    pollIn(state, 0);
    if (is(state, "live")) showPolling(state);
    return;
  }
  const livedMs = state.now - openedAt;
  const isInstant = livedMs < INSTANT_MS;
  notHeld(state, livedMs, reading);
  state.failures++;
  state.fallen = undefined;
  const delayMs = nextDelay(state.pollBackoff, retryMs);
  // A poll that has hung has waited already.
  pollIn(state, isInstant ? delayMs : Math.max(0, delayMs - livedMs));
  // A poll that was held for a while and is cut was ours. The next attempt shows whether the server
  // is away.
  if (reading.wait === 0 || isInstant || state.failures > 1)
    report(state, { state: "waiting", failures: state.status.failures + 1, refused: code });
}

function candidateEnded(state: State, link: Link, { how, retryMs }: LinkEnding): void {
  const { now } = state;
  state.renewAt = now + RENEW_AGAIN_MS;
  state.proveAt = now + nextDelay(state.streamBackoff, retryMs);
  if (how === "bye") return;
  state.waitsForServer = true;
  // Only if the server has answered something else since, it is the network that does not carry
  // this stream. The clock may have been set back: what was heard in the future proves nothing.
  const isMute = how === "mute";
  if (state.reachedAt > link.heardAt && state.reachedAt <= now) blame(state, link, isMute);
  else ask(state, { why: "blame", link, isMute });
}

function blame(state: State, { rung, helloAt }: Link, isMute: boolean): void {
  state.waitsForServer = false;
  // [featurehub-io/featurehub#296] It said hello when its second frame was sent: this network is
  // one frame late.
  if (isMute && helloAt !== 0 && !state.late) {
    state.late = true;
    state.proveAt = state.now;
  } else {
    state.late = false;
    if (isMute) failed(state, rung);
    else refused(state, rung);
    if (state.rung !== rung) state.proveAt = state.now;
  }
  if (is(state, "live")) showPolling(state);
  prove(state);
}

function streamEnded(state: State, link: Link, { how, retryMs }: LinkEnding): void {
  const { streamBackoff, now } = state;
  const livedMs = now - link.openedAt;
  letGo(state);
  if (how !== "bye") {
    const isShort = livedMs < SHORT_LIFE_MS;
    if (!isShort) state.refusals = 0;
    if (cut(state, livedMs, now - link.heardAt)) failed(state, link.rung);
    else if (isShort) refused(state, link.rung);
  }
  const delayMs = how === "bye" && !retryMs ? 0 : nextDelay(streamBackoff, retryMs);
  state.proveAt = now + delayMs;
  expectPing(state, 0);
  report(state, { state: "connecting" });
  state.isAway = true;
  wakeIn(state, "return", delayMs);
}

function questionEnded(state: State, { isNew }: Link, { how }: LinkEnding): void {
  const { asking } = state;
  const result: QuestionResult = how !== "answered" ? "unanswered" : isNew ? "events" : "nothing";
  state.asking = [];
  afterQuestion(state);
  for (let i = 0; i < asking.length; i++) {
    const question = asking[i] as Question;
    if (question.why === "blame") {
      if (result !== "unanswered") blame(state, question.link, question.isMute);
    } else if (question.why !== "gap") conclude(state, question, result);
  }
}
