import { callSafely } from "./emitter.ts";
import type { Environment } from "./environment.ts";
import type { Ask } from "./http.ts";
import { without } from "./list.ts";

/**
 * Requests that share one connection, the other one being the reader's. They run one at a time, and
 * only while the connection is theirs.
 */
export type SharedTurns = {
  environment: Environment;
  /** Oldest first. */
  queued: (() => void)[];
  isTheirs: boolean;
  isUnderWay: boolean;
  /** Asks for the connection. When it is theirs, `runNext` is to be called. */
  want(): void;
  /** Another request may use the connection first. */
  giveBack(): void;
};

/** Returns the same requests, each in its turn. They cannot be given up. */
export function inTurn(turns: SharedTurns, ask: Ask): Ask {
  return (request, done) => {
    if (request.isOutOfTurn) return ask(request, done);
    const wantedAt = turns.environment.now();
    turns.queued.push(() => {
      const waitedMs = turns.environment.now() - wantedAt;
      turns.isUnderWay = true;
      ask(request, (answer) => {
        turns.isUnderWay = false;
        answer.waitedMs = waitedMs;
        callSafely(turns.environment, done, answer);
        // The next request of the same sending has begun by now.
        if (turns.isTheirs) turns.giveBack();
      });
    });
    if (turns.isTheirs) runNext(turns);
    else turns.want();
    return () => {};
  };
}

/** Runs the next request, unless one is under way. */
export function runNext(turns: SharedTurns): void {
  const { queued, isUnderWay } = turns;
  if (isUnderWay || queued.length === 0) return;
  const run = queued[0] as () => void;
  turns.queued = without(queued, run);
  run();
}
