import type {
  ByeSignal,
  HelloSignal,
  MembersSignal,
  PingSignal,
  ResetSignal,
  RoomEvent,
  TypingSignal,
} from "../../../protocol/event.ts";
import type { Sink } from "./transport.ts";

/** Every signal that a stream may bring; an event of the log has no name of its own. */
export const SIGNALS = ["hello", "ping", "members", "typing", "reset", "bye"];

/** Hands one frame of a stream on. `bye` gets the server's goodbye, after which nothing more is to come. */
export function receive(sink: Sink, name: string, data: unknown, cursor: string, bye: (retryMs: number) => void): void {
  if (name === "message") sink.event(data as RoomEvent, cursor);
  else if (name === "hello") sink.hello(data as HelloSignal);
  else if (name === "ping") sink.ping(data as PingSignal);
  else if (name === "members") sink.members(data as MembersSignal);
  else if (name === "typing") sink.typing(data as TypingSignal);
  else if (name === "reset") sink.reset(data as ResetSignal);
  else if (name === "bye") bye((data as ByeSignal).retry);
}
