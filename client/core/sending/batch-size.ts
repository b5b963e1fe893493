import { BATCH_MESSAGES } from "../../../protocol/limits.ts";
import type { Clock } from "../base/environment.ts";

/** How many messages one request may carry on this network and to this server. */
export type BatchSize = {
  clock: Clock;
  /** The most messages, and when this became fewer than the protocol allows. */
  most: number;
  shrunkAt: number;
  /** Requests with several messages in a row that timed out. */
  silences: number;
  /** The last request timed out, so the next one finds out with one message. */
  isProbing: boolean;
  /** When the server did not know a request with several messages. */
  unknownAt: number | undefined;
};

const SHRUNK_MS = 300_000;
// A server of before may be replaced by a newer one.
const UNKNOWN_MS = 600_000;

/** Creates the size of a batch before the first request. */
export function createBatchSize(clock: Clock): BatchSize {
  return { clock, most: BATCH_MESSAGES, shrunkAt: 0, silences: 0, isProbing: false, unknownAt: undefined };
}

/** Returns how many messages the next request may carry. */
export function nextSize(size: BatchSize): number {
  const { clock, unknownAt } = size;
  if (unknownAt !== undefined && Math.abs(clock.now() - unknownAt) < UNKNOWN_MS) return 1;
  if (Math.abs(clock.now() - size.shrunkAt) > SHRUNK_MS) size.most = BATCH_MESSAGES;
  return size.isProbing ? 1 : size.most;
}

/**
 * A request with this many messages has timed out. The second time, the next ones are smaller: one
 * message has passed in between, so the size may be to blame.
 */
export function noteSilence(size: BatchSize, carried: number): void {
  size.isProbing = true;
  if (carried > 1 && ++size.silences > 1) shrink(size, carried);
}

/**
 * A request was answered. If the site took only some of its messages for now, the next request
 * carries no more than that. Otherwise it may carry twice as many.
 */
export function noteAnswer(size: BatchSize, carried: number, postponed: number): void {
  size.isProbing = false;
  if (postponed > 0) shrinkTo(size, carried - postponed);
  else if (carried >= size.most) size.most = Math.min(BATCH_MESSAGES, size.most * 2);
  if (carried > 1) size.silences = 0;
}

/** Carries half as many from now on. Returns this number. */
export function shrink(size: BatchSize, carried: number): number {
  return shrinkTo(size, Math.floor(carried / 2));
}

/**
 * Notes that the server does not know requests with several messages. Returns how many to try now.
 */
export function noteUnknown(size: BatchSize): number {
  size.unknownAt = size.clock.now();
  return 1;
}

function shrinkTo(size: BatchSize, most: number): number {
  size.shrunkAt = size.clock.now();
  size.most = Math.max(1, most);
  return size.most;
}
