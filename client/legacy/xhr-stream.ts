import { PATHS } from "../../protocol/paths.ts";
import { type Address, param } from "../core/base/address.ts";
import { breakOff, createReception, type Reception, receive, stop } from "../core/reading/receive.ts";
import type { Transport } from "../core/reading/transport.ts";
import { readingUrl } from "../core/reading/url.ts";
import { json } from "./json.ts";
import { createRequest, hangUp, send } from "./xhr.ts";

/** A request that is still open, and how much of its text was read. */
type Stream = { reception: Reception; request: XMLHttpRequest; at: number };

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
      const url = readingUrl(address, PATHS.stream, reading) + param("pad", "1");
      const request = createRequest();
      const reception = createReception(sink, () => hangUp(request));
      const stream = request && { reception, request, at: 0 };
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
    if (request.status === 200) take(stream, request.responseText);
  } catch (_isUnreadable) {
    // [IE9] Nothing can be read before the end. An answer that cannot be read even at the end is
    // not the site's own.
    if (request.readyState === 3) return;
  }
  if (request.readyState === 4) breakOff(reception);
}

/** Passes on the blocks that have become complete. */
function take(stream: Stream, text: string): void {
  for (let end = text.indexOf("\n\n", stream.at); end >= 0; end = text.indexOf("\n\n", stream.at)) {
    const block = text.slice(stream.at, end).split("\n");
    stream.at = end + 2;
    takeBlock(stream.reception, block);
  }
}

function takeBlock(reception: Reception, block: string[]): void {
  let name = "message";
  let data = "";
  let cursor = "";
  for (let i = 0; i < block.length; i++) {
    const line = block[i] as string;
    const value = line.slice(line.indexOf(":") + 2);
    if (line.indexOf("data:") === 0) data += value;
    else if (line.indexOf("event:") === 0) name = value;
    else if (line.indexOf("id:") === 0) cursor = value;
  }
  if (data !== "") receive(reception, { name, data: json.parse(data), cursor });
}
