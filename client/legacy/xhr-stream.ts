import { PATHS } from "../../protocol/paths.ts";
import { type Address, param, placed } from "../core/base/address.ts";
import { type StreamText, takeBlocks } from "../core/reading/blocks.ts";
import { breakOff, createReception, stop } from "../core/reading/receive.ts";
import type { Transport } from "../core/reading/transport.ts";
import { readingUrl } from "../core/reading/url.ts";
import { json } from "./json.ts";
import { createRequest, hangUp, send } from "./xhr.ts";

/** A request that is still open. */
type Stream = StreamText & { request: XMLHttpRequest };

/**
 * Creates a transport that reads an event stream from a request that is still open. If a browser
 * shows nothing before the end [IE9, Opera 12], no second frame arrives, and the session polls
 * instead. The browser keeps the whole text, so the server ends it after 128 KiB. The 2 KiB at its
 * beginning are for old WebKits, which show nothing of less. Returns `undefined` if there are no
 * such requests.
 */
export function createXhrStream(address: Address): Transport | undefined {
  if (createRequest() === undefined) return undefined;
  return {
    name: "stream",
    streams: true,
    open(reading, sink) {
      const url = placed(address, readingUrl(address, PATHS.stream, reading) + param("pad", "1"));
      const request = createRequest();
      const reception = createReception(sink, () => hangUp(request));
      const stream = request && { reception, request, at: 0, parse: json.parse };
      const isSent = send(request, { method: "GET", url }, () => {
        if (stream !== undefined) changed(stream);
      });
      if (!isSent) setTimeout(() => breakOff(reception), 0);
      return () => stop(reception);
    },
  };
}

function changed(stream: Stream): void {
  const { reception, request } = stream;
  if (reception.isOver || request.readyState < 3) return;
  try {
    if (request.status === 200) takeBlocks(stream, request.responseText);
  } catch (_isUnreadable) {
    // [IE9] Nothing can be read before the end. An answer that cannot be read even at the end is
    // not the site's own.
    if (request.readyState === 3) return;
  }
  if (request.readyState === 4) breakOff(reception);
}
