import { PATHS } from "../../protocol/paths.ts";
import { type Address, param, placed } from "../core/base/address.ts";
import { takeBlocks } from "../core/reading/blocks.ts";
import { breakOff, createReception, type Reception, stop } from "../core/reading/receive.ts";
import type { Transport } from "../core/reading/transport.ts";
import { readingUrl } from "../core/reading/url.ts";
import { browserConnections } from "./fetch.ts";

// Fetch does not keep what it has handed out, so the stream may grow until it is renewed for its
// age.
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Creates a transport of event streams read by fetch, for networks that refuse them by their type.
 */
export function createStream(address: Address, connections = browserConnections): Transport {
  return {
    name: "stream",
    streams: true,
    open(reading, sink) {
      const request = new AbortController();
      const reception = createReception(sink, () => request.abort());
      const url = placed(address, readingUrl(address, PATHS.stream, reading) + param("max", String(MAX_BYTES)));
      // Broken off, or not a stream of the site's own, like a login page.
      const over = () => breakOff(reception);
      // Its connection is to grow as old as the stream, and no older.
      connections.closeIdle();
      read(reception, connections.fetch(url, initOf(request.signal))).then(over, over);
      return () => stop(reception);
    },
  };
}

// [anomalyco/opencode#48771] Some antivirus programs hold back what is not requested as an event
// stream.
function initOf(signal: AbortSignal): RequestInit {
  return { signal, headers: { Accept: "text/event-stream" }, cache: "no-store", credentials: "same-origin" };
}

async function read(reception: Reception, answer: Promise<Response>): Promise<void> {
  const response = await answer;
  if (!response.ok || response.body === null) return;
  const stream = { reception, at: 0, parse: JSON.parse };
  let text = "";
  const decoded = response.body.pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>);
  const reader = decoded.getReader();
  while (!reception.isOver) {
    const { done, value } = await reader.read();
    if (done) return;
    text = text.slice(stream.at) + value;
    stream.at = 0;
    takeBlocks(stream, text);
  }
  void reader.cancel();
}
