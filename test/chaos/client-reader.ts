import { setTimeout as sleep } from "node:timers/promises";
import { EventSource } from "eventsource";
import type { ResetSignal, RoomEvent } from "../../protocol/event.ts";
import type { ReaderRecord } from "./check.ts";
import { type ChaosReader, seqOf } from "./readers.ts";

/** The part of `chattera/client` that is used here. Its source is typed for browsers. */
type Connect = (url: string, options: { room: string; cursor?: string }) => Handle;
type Handle = {
  on(name: "event", listener: (event: RoomEvent) => void): void;
  on(name: "reset", listener: (reset: ResetSignal) => void): void;
  ready: Promise<void>;
  cursor(): string;
  close(): void;
};

const CLIENT = new URL("../../client/index.ts", import.meta.url).href;

/** Reads a room of one node by the npm client. */
export async function openClientReader(name: string, url: string, room: string): Promise<ChaosReader> {
  const { connect } = (await import(CLIENT)) as { connect: Connect };
  const record = recordOf(name, room);
  const handle = connect(url, { room });
  handle.on("event", (event) => take(record, event));
  handle.on("reset", (reset) => takeReset(record, reset));
  await handle.ready;
  const first = record.received[0];
  record.start = first?.kind === "event" ? first.seq - 1 : seqOf(handle.cursor());
  return { record, stop: () => handle.close() };
}

/** Reads a room of one node by an EventSource, which reconnects with its last id. */
export async function openSourceReader(name: string, url: string, room: string): Promise<ChaosReader> {
  const record = recordOf(name, room);
  let source = new EventSource(`${url}/api/events?room=${room}&ping=2`);
  let after = "";
  const listen = () => {
    source.addEventListener("hello", ({ data }) => {
      if (record.start < 0) after = JSON.parse(data).cursor;
      if (record.start < 0) record.start = seqOf(after);
    });
    source.addEventListener("message", ({ data, lastEventId }) => {
      take(record, JSON.parse(data));
      after = lastEventId;
    });
    source.addEventListener("reset", ({ data }) => {
      takeReset(record, JSON.parse(data));
      after = JSON.parse(data).cursor;
    });
  };
  listen();
  // It gives up after an answer that is no stream, for example of a proxy. Its page opens another.
  const again = setInterval(() => {
    if (source.readyState !== source.CLOSED) return;
    source = new EventSource(`${url}/api/events?room=${room}&ping=2&after=${after}`);
    listen();
  }, 500);
  while (record.start < 0) await sleep(20);
  return {
    record,
    stop: () => {
      clearInterval(again);
      source.close();
    },
  };
}

function recordOf(name: string, room: string): ReaderRecord {
  return { name, room, start: -1, received: [], isLive: true };
}

function take({ received }: ReaderRecord, { seq, id = "", text = "" }: RoomEvent): void {
  received.push({ kind: "event", seq, id, text, at: performance.now() });
}

function takeReset({ received }: ReaderRecord, { reason, oldest, head }: ResetSignal): void {
  received.push({ kind: "reset", next: reason === "pruned" ? oldest : head + 1, at: performance.now() });
}
