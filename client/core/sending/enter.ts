import type { Member } from "../../../protocol/event.ts";
import { PATHS } from "../../../protocol/paths.ts";
import { createBackoff, nextDelay } from "../network/backoff.ts";
import { type ActOutcome, act, requestSession, type Sender, type SessionOutcome } from "./send.ts";

/**
 * A person to enter a room, and the limit of attempts. A `silent` one is announced to nobody, where
 * the room allows that.
 */
export type Entry = { room: string; nickname: string; color?: string; silent?: boolean; attempts?: number };

/** The outcome of entering. `retry`: all attempts have failed. */
export type EnterOutcome = { token: string; member: Member } | { refused: string } | { retry: true };

/**
 * Gets a session and enters a room with it. Gives up after `attempts` failures to get the session;
 * a client that then fails to enter the room enters it by its first message. Without `attempts`,
 * retries both until it succeeds. Returns a function that gives up.
 */
export function enter(sender: Sender, entry: Entry, done: (outcome: EnterOutcome) => void): () => void {
  const { environment, address } = sender;
  const backoff = createBackoff(environment);
  let session: { token: string; member: Member } | undefined;
  let isOver = false;
  let stopWaiting = () => {};
  attempt();
  return () => {
    isOver = true;
    stopWaiting();
  };

  function attempt(): void {
    if (session === undefined) requestSession(sender, entry, takeSession);
    else act(sender, { path: PATHS.enter(entry.room), parts: entry.silent ? [{ silent: "1" }] : [] }, takeEntry);
  }

  function takeSession(outcome: SessionOutcome): void {
    if (isOver) return;
    if ("token" in outcome) {
      session = outcome;
      address.token = outcome.token;
      attempt();
    } else if ("refused" in outcome) done(outcome);
    else if (backoff.failures + 1 === entry.attempts) done({ retry: true });
    else later(outcome.retryMs);
  }

  function takeEntry(outcome: ActOutcome): void {
    if (isOver) return;
    if ("refused" in outcome) done(outcome);
    else if ("retry" in outcome && entry.attempts === undefined) later(outcome.retryMs);
    else if (session) done(session);
  }

  function later(retryMs: number | undefined): void {
    stopWaiting = environment.later(nextDelay(backoff, retryMs), attempt);
  }
}
