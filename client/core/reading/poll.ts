import type { PollAnswer } from "../../../protocol/event.ts";
import { PATHS } from "../../../protocol/paths.ts";
import type { Answer, Ask, Http } from "../base/http.ts";
import type { Ending, Reading, Sink, Transport } from "./transport.ts";
import { type Address, param, readingUrl } from "./url.ts";

/** One question, one answer, held by the server until there is news. Works wherever a request does. */
export function createPoll(http: Http, address: Address, name = "poll", ask: Ask = http.ask): Transport {
  return {
    name,
    streams: false,
    open(reading, sink) {
      const url = pollUrl(address, reading);
      return ask({ method: "GET", url, timeoutMs: reading.wait * 1000 + reading.graceMs }, (answer) =>
        give(http, answer, reading, sink),
      );
    },
  };
}

function pollUrl(address: Address, reading: Reading): string {
  const url = readingUrl(address, PATHS.poll, reading) + param("wait", String(reading.wait));
  return reading.once ? url + param("once", "1") : url;
}

function give(http: Http, answer: Answer, reading: Reading, sink: Sink): void {
  const poll = readPoll(http, answer, reading.nonce);
  if (poll === undefined) {
    sink.ended(answer.retryMs === undefined ? { how: "refused" } : { how: "refused", retryMs: answer.retryMs });
    return;
  }
  sink.answer(poll);
  let ending: Ending = { how: "answered" };
  for (let i = 0; i < poll.signals.length; i++) {
    const signal = poll.signals[i] as PollAnswer["signals"][number];
    if (signal.signal === "bye") ending = { how: "bye", retryMs: signal.retry };
  }
  sink.ended(ending);
}

/** A login page's 200 has no mark of ours, a cache's answer an older nonce. */
function readPoll(http: Http, { status, text }: Answer, nonce: string): PollAnswer | undefined {
  if (status !== 200) return undefined;
  const poll = readOurs(http, text, nonce) as PollAnswer | undefined;
  return poll?.events === undefined ? undefined : poll;
}

/** The JSON of an answer that proves itself: it bears our mark and this request's nonce. */
export function readOurs(http: Http, text: string, nonce: string): object | undefined {
  let value: { chattera?: unknown; n?: unknown } | null;
  try {
    value = http.json.parse(text) as typeof value;
  } catch (_notJson) {
    return undefined;
  }
  return value !== null && value.chattera === 1 && value.n === nonce ? value : undefined;
}
