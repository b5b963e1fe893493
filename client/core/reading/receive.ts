import type {
  ByeSignal,
  HelloSignal,
  MembersSignal,
  PingSignal,
  ResetSignal,
  RoomEvent,
  TypingSignal,
} from "../../../protocol/event.ts";
import type { Ending, Sink } from "./transport.ts";

/** All signals of a stream. An event of the log has no name of its own. */
export const SIGNALS = ["hello", "ping", "members", "typing", "reset", "bye"];

/** One stream that is being received. `close` closes the connection. */
export type Reception = { sink: Sink; isGreeted: boolean; isOver: boolean; close(): void };

/** One frame of a stream; `cursor` is behind an event, or "". */
export type StreamFrame = { name: string; data: unknown; cursor: string };

/** Creates the reception of a stream that is being opened. */
export function createReception(sink: Sink, close: () => void): Reception {
  return { sink, isGreeted: false, isOver: false, close };
}

/** Passes a frame to the sink. `bye` ends the stream. */
export function receive(reception: Reception, { name, data, cursor }: StreamFrame): void {
  const { sink, isOver } = reception;
  if (isOver) return;
  if (name === "message") sink.event(data as RoomEvent, cursor);
  else if (name === "hello") {
    reception.isGreeted = true;
    sink.hello(data as HelloSignal);
  } else if (name === "ping") sink.ping(data as PingSignal);
  else if (name === "members") sink.members(data as MembersSignal);
  else if (name === "typing") sink.typing(data as TypingSignal);
  else if (name === "reset") sink.reset(data as ResetSignal);
  else if (name === "bye") end(reception, { how: "bye", retryMs: (data as ByeSignal).retry });
}

/** Ends a stream that broke off, or that was never the site's own. */
export function breakOff(reception: Reception): void {
  end(reception, { how: reception.isGreeted ? "cut" : "refused" });
}

/** Closes a stream without a report. */
export function stop(reception: Reception): void {
  if (reception.isOver) return;
  reception.isOver = true;
  reception.close();
}

function end(reception: Reception, ending: Ending): void {
  if (reception.isOver) return;
  stop(reception);
  reception.sink.ended(ending);
}
