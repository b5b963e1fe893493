import type { PollAnswer } from "../../protocol/event.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { Ending, Reading, Sink, Transport } from "../core/transport.ts";
import { type Address, readingUrl } from "./address.ts";
import { retryAfterMs } from "./retry-after.ts";

const GRACE_MS = 10_000;

/** One question, one answer, held by the server until there is news. Works wherever a request does. */
export function createLongPoll(address: Address): Transport {
  return {
    name: "poll",
    streams: false,
    open(reading, sink) {
      const request = new AbortController();
      let over = false;
      const timer = setTimeout(() => request.abort(), reading.wait * 1000 + GRACE_MS);
      ask(address, reading, request.signal).then(
        (answer) => settle(() => give(answer, sink)),
        () => settle(() => sink.ended({ how: "refused" })),
      );
      return () => {
        over = true;
        clearTimeout(timer);
        request.abort();
      };

      function settle(tell: () => void): void {
        clearTimeout(timer);
        if (over) return;
        over = true;
        tell();
      }
    },
  };
}

async function ask(address: Address, reading: Reading, signal: AbortSignal): Promise<PollAnswer | Ending> {
  const url = `${readingUrl(address, PATHS.poll, reading)}&wait=${reading.wait}`;
  const response = await fetch(url, { signal, cache: "no-store", credentials: "same-origin" });
  if (!response.ok) return { how: "refused", ...retryAfterMs(response) };
  const answer = (await response.json()) as PollAnswer;
  // A login page's 200 has no mark of ours, a cache's answer an older nonce.
  const ours = answer?.chattera === 1 && (answer.n === undefined || answer.n === reading.nonce);
  return ours ? answer : { how: "refused" };
}

function give(answer: PollAnswer | Ending, sink: Sink): void {
  if ("how" in answer) {
    sink.ended(answer);
    return;
  }
  sink.answer(answer);
  for (const signal of answer.signals) {
    if (signal.signal !== "bye") continue;
    sink.ended({ how: "bye", retryMs: signal.retry });
    return;
  }
  sink.ended({ how: "answered" });
}
