import type { Environment } from "./environment.ts";
import type { Answer, Ask, Request } from "./http.ts";

/** A client's experience with requests that get no answer while the next one gets one. */
export type Haste = {
  environment: Environment;
  /** How long the last answer took. */
  usualMs: number;
  /** Connections have died in silence here. */
  isKnown: boolean;
  /** No request is repeated in haste before. */
  dueAt: number;
};

/** A request, how long it has waited for connections that had died, and how to give it up. */
type Hurry = { haste: Haste; ask: Ask; request: Request; done(answer: Answer): void; lostMs: number; giveUp(): void };

// A browser keeps connections that are not in use, and takes one of them before it opens another.
// It seldom has more than three to one site.
const REPEATED = 3;
const SHORTEST_MS = 300;
// Where no connection has died yet, it is probably the server that is slow. It must not get four
// requests for one from everybody.
const UNKNOWN_MS = 500;
const UNKNOWN_APART_MS = 60_000;
const KNOWN_APART_MS = 2_000;
// Before the first answer, none is late.
const NEVER_MS = 1_000_000;

/** Creates what is known before the first answer. */
export function createHaste(environment: Environment): Haste {
  return { environment, usualMs: NEVER_MS, isKnown: false, dueAt: 0 };
}

/**
 * Returns the same requests, except that a quick one whose answer takes much longer than the last
 * one did is given up, which closes its connection, and is repeated over the next one. A connection
 * that was kept may have died in silence. All tries together have the time of the request.
 */
export function inHaste(haste: Haste, ask: Ask): Ask {
  return (request, done) => {
    const hurry: Hurry = { haste, ask, request, done, lostMs: 0, giveUp() {} };
    attempt(hurry);
    return () => hurry.giveUp();
  };
}

function attempt(hurry: Hurry): void {
  const { haste, ask, request, done, lostMs } = hurry;
  const { environment, isKnown, usualMs, dueAt } = haste;
  const { isQuick, isFresh } = request;
  const startedAt = environment.now();
  const leftMs = request.timeoutMs - lostMs;
  const hasteMs = Math.max(isKnown || lostMs > 0 ? SHORTEST_MS : UNKNOWN_MS, 3 * usualMs);
  const isLast = !isQuick || startedAt < dueAt || lostMs >= REPEATED * hasteMs || leftMs < 2 * hasteMs;
  const timeoutMs = isLast ? leftMs : hasteMs;
  hurry.giveUp = ask({ ...request, timeoutMs, isFresh: isFresh || lostMs > 0 }, (answer) => {
    const now = environment.now();
    const isAnswered = answer.status !== 0;
    if (!isAnswered && !isLast && now - startedAt >= hasteMs) {
      hurry.lostMs += now - startedAt;
      attempt(hurry);
      return;
    }
    if (isAnswered && isQuick) haste.usualMs = now - startedAt;
    if (lostMs > 0) {
      haste.isKnown = isAnswered;
      haste.dueAt = now + (isAnswered ? KNOWN_APART_MS : UNKNOWN_APART_MS);
      answer.lostMs = lostMs;
    }
    done(answer);
  });
}
