import type { ByeSignal, RoomEvent } from "../../../protocol/event.ts";
import type { Ending, Sink } from "./transport.ts";

const KINDS = " event hello ping members typing room reset ";

/** All signals of a stream. An event of the log has no name of its own. */
export const SIGNALS = ["hello", "ping", "members", "typing", "room", "reset", "bye"];

/** One stream that is being received. `close` closes the connection. */
export type Reception = { sink: Sink; isGreeted: boolean; isOver: boolean; close(): void };

/** One frame of a stream; `cursor` is behind an event, or "". */
export type StreamFrame = { name: string; data: unknown; cursor: string };

/** Creates the reception of a stream that is being opened. */
export function createReception(sink: Sink, close: () => void): Reception {
  return { sink, isGreeted: false, isOver: false, close };
}

/** Passes a frame to the sink. `bye` ends the stream, and a frame of an unknown name is dropped. */
export function receive(reception: Reception, { name, data, cursor }: StreamFrame): void {
  if (isOver(reception)) return;
  if (name === "bye") end(reception, { how: "bye", retryMs: (data as ByeSignal).retry });
  if (name === "hello") reception.isGreeted = true;
  const kind = name === "message" ? "event" : name;
  if (KINDS.indexOf(` ${kind} `) >= 0) reception.sink(kind as "event", data as RoomEvent, cursor);
}

/** Ends a stream that broke off, or that was never the site's own. */
export function breakOff(reception: Reception): void {
  if (!isOver(reception)) end(reception, { how: reception.isGreeted ? "cut" : "refused" });
}

/**
 * Whether a stream is over. Closes it again: [WebKit] an EventSource that was closed when its page
 * was left is open again when the page comes back from the back-forward cache.
 */
export function isOver(reception: Reception): boolean {
  if (reception.isOver) reception.close();
  return reception.isOver;
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
  reception.sink("ended", ending);
}
