import type { Logger } from "../log.ts";
import { countByTheMinute } from "../minute-log.ts";
import { Refusal } from "../refusal.ts";

/** A function of the host that threw, gave an answer that cannot be used, or gave none in time. */
export class HostFailure extends Refusal {}

/** How functions of the host are asked: for how long, by default 10 s, and where failures go. */
export type HostAsking = { logger: Logger; patienceMs?: number | undefined };

/** A function of the host that answers later than this gave no answer. */
const PATIENCE_MS = 10_000;

/**
 * Returns a function of the host that rejects with a HostFailure when it fails, with 500, or does
 * not answer, with 503. `read` makes something of its answer, and throws if it cannot be used.
 * Failures are logged once a minute, since every request may have one.
 */
export function askPatiently<Question extends unknown[], Answer, Read>(
  { name, logger, patienceMs = PATIENCE_MS }: HostAsking & { name: string },
  ask: (...question: Question) => Answer | Promise<Answer>,
  read: (answer: Answer) => Read,
): (...question: Question) => Promise<Read> {
  let failure: unknown;
  const note = countByTheMinute((requests) => logger.error({ err: failure, requests }, `${name} of the host failed`));
  return async (...question) => {
    try {
      return read(await within(patienceMs, name, async () => ask(...question)));
    } catch (error) {
      if (error instanceof Refusal && !(error instanceof HostFailure)) throw error;
      failure = error;
      note();
      if (error instanceof HostFailure) throw error;
      throw new HostFailure("internal", `The host of this site failed: its ${name} threw, or its answer is unusable.`);
    }
  };
}

/** Awaits work for a limited time. */
async function within<Value>(ms: number, name: string, work: () => Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const sentence = `The host of this site does not answer: its ${name} takes more than ${ms / 1000} s.`;
    timer = setTimeout(() => reject(new HostFailure("unavailable", sentence)), ms);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
