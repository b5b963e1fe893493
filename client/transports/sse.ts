import type {
  ByeSignal,
  HelloSignal,
  MembersSignal,
  PingSignal,
  ResetSignal,
  RoomEvent,
  TypingSignal,
} from "../../protocol/event.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { Ending, Sink, Transport } from "../core/transport.ts";
import { type Address, readingUrl } from "./address.ts";

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
      let greeted = false;
      let over = false;
      const end = (ending: Ending) => {
        if (over) return;
        over = true;
        source.close();
        sink.ended(ending);
      };
      source.onerror = () => end({ how: greeted ? "cut" : "refused" });
      source.addEventListener("hello", (frame) => {
        greeted = true;
        sink.hello(JSON.parse(frame.data) as HelloSignal);
      });
      source.addEventListener("bye", (frame) =>
        end({ how: "bye", retryMs: (JSON.parse(frame.data) as ByeSignal).retry }),
      );
      listen(source, sink);
      return () => {
        over = true;
        source.close();
      };
    },
  };
}

function listen(source: EventSource, sink: Sink): void {
  source.onmessage = (frame) => sink.event(JSON.parse(frame.data) as RoomEvent, frame.lastEventId);
  source.addEventListener("ping", (frame) => sink.ping(JSON.parse(frame.data) as PingSignal));
  source.addEventListener("members", (frame) => sink.members(JSON.parse(frame.data) as MembersSignal));
  source.addEventListener("typing", (frame) => sink.typing(JSON.parse(frame.data) as TypingSignal));
  source.addEventListener("reset", (frame) => sink.reset(JSON.parse(frame.data) as ResetSignal));
}
