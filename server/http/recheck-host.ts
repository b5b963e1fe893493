import pLimit from "p-limit";
import type { Hub } from "../delivery/hub.ts";
import type { Reader } from "../delivery/reader.ts";
import type { Logger } from "../log.ts";
import { Refusal } from "../refusal.ts";
import { HostFailure } from "./ask-host.ts";
import { type AskHost, contextOf } from "./authorize.ts";
import { type FindUser, isStillUser } from "./identify.ts";

/** The parts of a node that ask the host again. */
export type RecheckedSite = {
  hub: Hub;
  logger: Logger;
  findUser: FindUser | undefined;
  askHost: AskHost | undefined;
  config: { authSeconds: number; authGraceSeconds: number };
};

/** Readers are looked at this often. The host is asked about each every `authSeconds`. */
const ROUND_MS = 1_000;

/** Questions at a time, so that the host is not flooded. */
const QUESTIONS = 16;

/** A client that comes back is answered with the refusal. */
const RETRY_MS = 1_000;

type Checked = { nextAt: number; okAt: number };

/**
 * Asks the host again about every open stream, and sends those away that have lost their user or
 * the right to read. Returns the function that ends it.
 */
export function recheckByHost({ hub, logger, config, ...host }: RecheckedSite): () => void {
  if (host.findUser === undefined && host.askHost === undefined) return () => undefined;
  const everyMs = config.authSeconds * 1000;
  const run = pLimit(QUESTIONS);
  const known = new WeakMap<Reader, Checked>();
  const timer = setInterval(round, ROUND_MS).unref();
  return () => clearInterval(timer);

  function round(): void {
    const now = performance.now();
    for (const reader of hub.readers) {
      const checked = known.get(reader);
      // Spread over the whole time, so that streams that come back together are not asked about
      // together.
      if (checked === undefined) known.set(reader, { nextAt: now + everyMs * (0.5 + Math.random() / 2), okAt: now });
      else if (now >= checked.nextAt) {
        checked.nextAt = Number.POSITIVE_INFINITY;
        void run(() => check(reader, checked));
      }
    }
  }

  async function check(reader: Reader, checked: Checked): Promise<void> {
    const isAllowed = await mayGoOn(reader, checked);
    checked.nextAt = performance.now() + everyMs;
    if (isAllowed) checked.okAt = performance.now();
    else if (isAllowed === false && reader.isOpen) hub.sendAway(reader, { retry: RETRY_MS, reason: "not_allowed" });
  }

  /** Returns `undefined` if the host could not be asked, but the last answer still counts. */
  async function mayGoOn(reader: Reader, { okAt }: Checked): Promise<boolean | undefined> {
    const { actor } = reader;
    const ctx = actor && contextOf(actor);
    if (!reader.isOpen || actor === undefined || ctx === undefined) return true;
    try {
      if (!(await isStillUser(ctx, host))) return false;
      for (const tail of reader.tails)
        if (!tail.isInbox && (await host.askHost?.(actor, "read", tail)) !== undefined) return false;
      return true;
    } catch (error) {
      const isFailure = error instanceof HostFailure || !(error instanceof Refusal);
      if (!(error instanceof Refusal)) logger.warn({ err: error }, "asking the host about an open stream failed");
      const isKept = performance.now() - okAt < config.authGraceSeconds * 1000;
      return isFailure && isKept ? undefined : false;
    }
  }
}
