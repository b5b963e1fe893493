import { setTimeout } from "node:timers/promises";
import { isDatabaseAway } from "../../db/pool/connect.ts";
import type { Logger } from "../log.ts";
import { causeOf } from "../outage.ts";

/** Work that a node repeats in the background. */
export type BackgroundWork = {
  /** Aborts the work and resolves when it has ended. */
  stop(): Promise<void>;
};

const FIRST_MS = 60_000;

/**
 * Repeats work, a minute after the start and then with pauses of half of `pauseMs` to all of it.
 * They are random, so that nodes that were started together do not work at the same time. The work
 * handles its own errors.
 */
export function repeat(pauseMs: number, work: (signal: AbortSignal) => Promise<void>): BackgroundWork {
  const end = new AbortController();
  const working = loop();
  return {
    stop: () => {
      end.abort();
      return working;
    },
  };

  async function loop(): Promise<void> {
    let nextMs = FIRST_MS;
    while (await pause(nextMs, end.signal)) {
      await work(end.signal);
      nextMs = pauseMs * (0.5 + Math.random() / 2);
    }
  }
}

/** Waits, and returns `false` if the signal came first. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  return setTimeout(ms, true, { ref: false, ...(signal && { signal }) }).catch(() => false);
}

/**
 * Logs that background work failed and will be tried again. A database that is away is no bug, so
 * its error has no stack here, and other lines of the log say when it is back.
 */
export function logRetry(logger: Logger, error: unknown, work: string): void {
  const fields = isDatabaseAway(error) ? { cause: causeOf(error) } : { err: error };
  logger.warn(fields, `${work} failed; retrying`);
}
