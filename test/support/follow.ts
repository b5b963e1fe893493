import { createContext, runInContext } from "node:vm";
import { createParser } from "eventsource-parser";
import type { ResetSignal, RoomEvent } from "../../protocol/event.ts";
import type { OpenReader } from "../contract/reading.ts";
import { until } from "./until.ts";

/** One frame of a stream. Events of the log are named "message". */
type Frame = { name: string; data: unknown; cursor: string };

/** Parses the text of a stream into frames while it arrives. */
type Parse = (onFrame: (frame: Frame) => void) => (text: string) => void;

/** Returns a reader of a stream, which reconnects with its cursor after each `bye`. */
export function follow(path: string, query: { [name: string]: string }, parse: Parse): OpenReader {
  return async (url, { room, after, header }) => {
    const events: Frame[] = [];
    const resets: ResetSignal[] = [];
    const done = new AbortController();
    let position = "";
    let taken = "";
    let fault: unknown;
    let wasGreeted = false;
    const reading = readAll().catch((error) => {
      if (!done.signal.aborted) fault = error;
    });
    await until("hello", () => hasFailed() || wasGreeted);
    return {
      events: async (count) => {
        await until(`${count} events`, () => hasFailed() || events.length >= count);
        const frames = events.splice(0, count);
        taken = frames.at(-1)?.cursor ?? taken;
        return frames.map(({ data }) => data as RoomEvent);
      },
      resets: async (count) => {
        await until(`${count} resets`, () => hasFailed() || resets.length >= count);
        return resets.splice(0, count);
      },
      cursor: () => taken,
      close: async () => {
        done.abort();
        await reading;
      },
    };

    function hasFailed(): false {
      if (fault !== undefined) throw fault;
      return false;
    }

    async function readAll(): Promise<void> {
      await readOne([after ?? []].flat(), header);
      for (;;) await readOne([position]);
    }

    /** Reads one stream to its end. An end without a `bye` is a fault. */
    async function readOne(cursors: string[], lastEventId?: string): Promise<void> {
      const params = new URLSearchParams(query);
      for (const one of [room].flat()) params.append("room", one);
      for (const one of cursors) params.append("after", one);
      const headers = lastEventId ? { "last-event-id": lastEventId } : {};
      const response = await fetch(`${url}${path}?${params}`, { headers, signal: done.signal });
      if (response.status !== 200) throw new Error(`${path} was answered ${response.status}`);
      let hasBye = false;
      const feed = parse((frame) => {
        hasBye ||= frame.name === "bye";
        take(frame);
      });
      for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) feed(text);
      if (!hasBye) throw new Error(`${path} ended without a goodbye`);
    }

    function take(frame: Frame): void {
      const { name, data, cursor } = frame;
      if (name === "hello") wasGreeted = true;
      if (name === "hello" || name === "reset") position = (data as { cursor: string }).cursor;
      if (name === "reset") resets.push(data as ResetSignal);
      if (name !== "message") return;
      position = cursor;
      events.push(frame);
    }
  };
}

/** Parses the frames of an event stream. */
export const blocks: Parse = (onFrame) => {
  const parser = createParser({
    onEvent: ({ event = "message", data, id = "" }) => onFrame({ name: event, data: JSON.parse(data), cursor: id }),
  });
  return (text) => parser.feed(text);
};

/**
 * Parses the frames of a page of scripts. Runs them in a window whose parent has the function
 * `take`.
 */
export const scripts: Parse = (onFrame) => {
  const take = (name: string, data: unknown, cursor: string) => {
    // A copy with this realm's prototypes, which a test can compare.
    onFrame({ name, data: JSON.parse(JSON.stringify(data)), cursor });
  };
  const page = createContext({ window: {}, parent: { take } });
  let pending = "";
  return (text) => {
    pending += text;
    for (;;) {
      const script = /^[\s\S]*?<script>([\s\S]*?)<\/script>/.exec(pending);
      if (script === null) return;
      pending = pending.slice(script[0].length);
      runInContext(script[1] as string, page);
    }
  };
};
