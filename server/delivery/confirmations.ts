import { CONFIRMATION_BYTES, publishConfirmed } from "../../db/log/presence.ts";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import type { Logger } from "../log.ts";
import type { Hub } from "./hub.ts";

/** Confirmations by clients whose stream is on another node. */
export type Confirmations = {
  /** Passes on that a client confirmed its stream. Returns `false` if too many are waiting. */
  passOn(nonce: string): boolean;
  /** Notes that these streams were confirmed at some node. */
  onConfirmed(nonces: string[]): void;
  stop(): void;
};

/**
 * 10,000 streams of this node's clients are 400 confirmations a second, so one wake-up carries all
 * of them.
 */
const PASS_ON_MS = 1_000;

/**
 * Creates the way of confirmations to streams on other nodes: once a second, in one wake-up to all
 * of them. Confirmations that do not fit are refused, so that invented nonces cost no more than
 * that. A refused client confirms again at the next ping.
 */
export function createConfirmations({
  hub,
  wakeUps,
  logger,
}: {
  hub: Hub;
  wakeUps: WakeUps;
  logger: Logger;
}): Confirmations {
  const waiting = new Set<string>();
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;

  return {
    passOn(nonce) {
      return waiting.has(nonce) || wait(nonce);
    },
    onConfirmed(nonces) {
      for (const nonce of nonces) hub.confirm(nonce);
    },
    stop: () => clearTimeout(timer),
  };

  function wait(nonce: string): boolean {
    if (bytes + nonce.length + 1 > CONFIRMATION_BYTES) return false;
    waiting.add(nonce);
    bytes += nonce.length + 1;
    timer ??= setTimeout(send, PASS_ON_MS).unref();
    return true;
  }

  function send(): void {
    timer = undefined;
    const nonces = [...waiting];
    waiting.clear();
    bytes = 0;
    // A client whose confirmation is lost opens its stream again, and that is a sign of life too.
    publishConfirmed(wakeUps, nonces).catch((error) => logger.debug({ err: error }, "confirmations not passed on"));
  }
}
