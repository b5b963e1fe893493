import { PATHS } from "../../protocol/paths.ts";
import { type Address, placed } from "../core/base/address.ts";
import { breakOff, createReception, isOver, receive, SIGNALS, stop } from "../core/reading/receive.ts";
import type { Transport } from "../core/reading/transport.ts";
import { readingUrl } from "../core/reading/url.ts";

/**
 * Creates a transport of Server-Sent Events. Each connection is one EventSource, which is closed at
 * its first error, so that the session decides what follows. Left alone it would wait as it likes,
 * send an old Last-Event-ID, and give up for good at the first answer that is not 200 [HTML 9.2.3].
 */
export function createSse(address: Address): Transport {
  return {
    name: "sse",
    streams: true,
    open(reading, sink) {
      const source = new EventSource(placed(address, readingUrl(address, PATHS.events, reading)));
      const reception = createReception(sink, () => source.close());
      const take = (name: string) => (frame: MessageEvent<string>) => {
        if (!isOver(reception)) receive(reception, { name, data: JSON.parse(frame.data), cursor: frame.lastEventId });
      };
      source.onopen = () => isOver(reception);
      source.onerror = () => breakOff(reception);
      source.onmessage = take("message");
      for (const name of SIGNALS) source.addEventListener(name, take(name));
      return () => stop(reception);
    },
  };
}
