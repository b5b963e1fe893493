import { createParser } from "eventsource-parser";
import { PATHS } from "../../protocol/paths.ts";
import { receive } from "../core/reading/receive.ts";
import type { Ending, Reading, Sink, Transport } from "../core/reading/transport.ts";
import { type Address, param, readingUrl } from "../core/reading/url.ts";

// What fetch has handed out it does not keep: the stream may grow until it is renewed for its age.
const MAX_BYTES = 64 * 1024 * 1024;

/** The frames of an event stream as bytes, read by fetch: passes networks that refuse event streams by their type. */
export function createStream(address: Address): Transport {
  return {
    name: "stream",
    streams: true,
    open(reading, sink) {
      const request = new AbortController();
      let isOver = false;
      read(address, reading, request.signal, sink, () => isOver).then(end, () => end({ how: "cut" }));
      return () => {
        isOver = true;
        request.abort();
      };

      function end(ending: Ending): void {
        if (isOver) return;
        isOver = true;
        request.abort();
        sink.ended(ending);
      }
    },
  };
}

async function read(
  address: Address,
  reading: Reading,
  signal: AbortSignal,
  sink: Sink,
  isOver: () => boolean,
): Promise<Ending> {
  const url = readingUrl(address, PATHS.stream, reading) + param("max", String(MAX_BYTES));
  // [anomalyco/opencode#48771] some antivirus holds back what was not asked for as an event stream
  const headers = { Accept: "text/event-stream" };
  const response = await fetch(url, { signal, headers, cache: "no-store", credentials: "same-origin" }).catch(() => {});
  if (response === undefined || !response.ok || response.body === null) return { how: "refused" };
  let ending: Ending | undefined;
  let isGreeted = false;
  const parser = createParser({
    onEvent({ event = "message", data, id = "" }) {
      if (isOver() || ending !== undefined) return;
      if (event === "hello") isGreeted = true;
      receive(sink, event, JSON.parse(data), id, (retryMs) => {
        ending = { how: "bye", retryMs };
      });
    },
  });
  const text = response.body.pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>);
  const reader = text.getReader();
  try {
    while (ending === undefined) {
      const { done, value } = await reader.read();
      if (done) break;
      parser.feed(value);
    }
  } catch {
    // broken off, or a login page that is no stream of ours: how far it had come says which
    return { how: isGreeted ? "cut" : "refused" };
  }
  return ending ?? { how: isGreeted ? "cut" : "refused" };
}
