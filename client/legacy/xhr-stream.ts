import { PATHS } from "../../protocol/paths.ts";
import { receive } from "../core/reading/receive.ts";
import type { Ending, Transport } from "../core/reading/transport.ts";
import { type Address, param, readingUrl } from "../core/reading/url.ts";
import { json } from "./json.ts";
import { createRequest, hangUp, send } from "./xhr.ts";

/**
 * The frames of an event stream, read from a request that is not yet over. Where a browser shows nothing of it before
 * its end [IE9, Opera 12], no second frame comes and the session goes on to poll. The browser keeps all of it: the server
 * ends it after 128 KiB. The 2 KiB at its head are for old WebKits, which show nothing of less. `undefined` where there are
 * no such requests.
 */
export function createXhrStream(address: Address): Transport | undefined {
  if (createRequest() === undefined) return undefined;
  return {
    name: "stream",
    streams: true,
    open(reading, sink) {
      const url = readingUrl(address, PATHS.stream, reading) + param("pad", "1");
      const request = createRequest();
      let at = 0;
      let isGreeted = false;
      let isOver = false;
      if (!send(request, "GET", url, undefined, undefined, changed)) setTimeout(broken, 0);
      return stop;

      function changed(): void {
        if (isOver || request === undefined || request.readyState < 3) return;
        try {
          if (request.status === 200) take(request.responseText);
        } catch (_isUnreadable) {
          // [IE9] nothing can be read before the end; and what cannot be read at all is none of ours
          if (request.readyState === 3) return;
        }
        if (request.readyState === 4) broken();
      }

      /** Hands on the blocks that have become whole since the last time. */
      function take(text: string): void {
        for (let end = text.indexOf("\n\n", at); end >= 0 && !isOver; end = text.indexOf("\n\n", at)) {
          const block = text.slice(at, end).split("\n");
          at = end + 2;
          takeBlock(block);
        }
      }

      function takeBlock(block: string[]): void {
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
        if (name === "hello") isGreeted = true;
        if (data !== "") receive(sink, name, json.parse(data), cursor, (retryMs) => end({ how: "bye", retryMs }));
      }

      function broken(): void {
        end({ how: isGreeted ? "cut" : "refused" });
      }

      function end(ending: Ending): void {
        if (isOver) return;
        stop();
        sink.ended(ending);
      }

      function stop(): void {
        isOver = true;
        hangUp(request);
      }
    },
  };
}
