import type { Logger } from "./log.ts";

/** Work with the database that may fail for a while, for example storing messages. */
export type Outage = {
  failed(error: unknown): void;
  succeeded(): void;
  /** Returns whether the last attempt failed. */
  isOn(): boolean;
};

const MINUTE_MS = 60_000;

/** An outage is over after a success that no failure follows for this long. */
const STEADY_MS = 1_000;

/**
 * Logs the first failure of `work` with its cause, then one line a minute with the number of
 * failures, and the end with the duration. Failures come several times a second, and each has the
 * same cause, so their stacks are logged at `debug` only.
 */
export function createOutage(logger: Logger, work: string): Outage {
  let isFailing = false;
  let since: number | undefined;
  let loggedAt = 0;
  let failures = 0;
  let steady: NodeJS.Timeout | undefined;
  return { failed, succeeded, isOn: () => isFailing };

  function failed(error: unknown): void {
    logger.debug({ err: error }, `${work} failed`);
    clearTimeout(steady);
    isFailing = true;
    failures += 1;
    const now = performance.now();
    if (since !== undefined && now - loggedAt < MINUTE_MS) return;
    logger.warn({ cause: causeOf(error), failures }, `${work} failed; retrying`);
    since ??= now;
    loggedAt = now;
    failures = 0;
  }

  function succeeded(): void {
    if (!isFailing) return;
    isFailing = false;
    const endedAt = performance.now();
    steady = setTimeout(() => end(endedAt), STEADY_MS).unref();
  }

  function end(endedAt: number): void {
    const seconds = Math.round((endedAt - (since as number)) / 100) / 10;
    logger.info({ seconds }, `${work} works again`);
    since = undefined;
    failures = 0;
  }
}

/**
 * Returns the cause of a failure as one line. If a host name has several addresses and each
 * refuses, the error has a code and an empty message.
 */
export function causeOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  // Knex puts the statement before the message of the database.
  const reason = message?.split(" - ").at(-1);
  return [code, reason].filter(Boolean).join(": ") || String(error);
}
