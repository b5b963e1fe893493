import { PATHS } from "../../protocol/paths.ts";
import { receive, SIGNALS } from "../core/reading/receive.ts";
import type { Ending, Transport } from "../core/reading/transport.ts";
import { type Address, readingUrl } from "../core/reading/url.ts";

/**
 * Server-Sent Events by the browser's own EventSource, one connection at a time: at its first error it is closed and the
 * session decides. Left alone it would wait as it likes, send an old Last-Event-ID, and give up for good at the first
 * answer that is not 200 [HTML 9.2.3].
 */
export function createSse(address: Address): Transport {
  return {
    name: "sse",
    streams: true,
    open(reading, sink) {
      const source = new EventSource(readingUrl(address, PATHS.events, reading));
      let isGreeted = false;
      let isOver = false;
      const end = (ending: Ending) => {
        if (isOver) return;
        isOver = true;
        source.close();
        sink.ended(ending);
      };
      const take = (name: string) => (frame: MessageEvent<string>) => {
        if (name === "hello") isGreeted = true;
        receive(sink, name, JSON.parse(frame.data), frame.lastEventId, (retryMs) => end({ how: "bye", retryMs }));
      };
      source.onerror = () => end({ how: isGreeted ? "cut" : "refused" });
      source.onmessage = take("message");
      for (const name of SIGNALS) source.addEventListener(name, take(name));
      return () => {
        isOver = true;
        source.close();
      };
    },
  };
}
