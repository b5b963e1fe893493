import { createParser } from "eventsource-parser";
import type { PollAnswer, ResetSignal, RoomEvent } from "../../protocol/event.ts";
import type { ReaderRecord } from "./check.ts";
import type { Random } from "./random.ts";

/** Receives what one connection brings. */
type Sink = {
  /** The position at which the connection begins. */
  begin(cursor: string): void;
  event(event: RoomEvent, cursor: string): void;
  reset(reset: ResetSignal): void;
};

/** One connection, from a cursor on, until it ends. Rejects if it breaks. */
export type Connection = (
  asked: { url: string; room: string; cursor: string; signal: AbortSignal },
  sink: Sink,
) => Promise<void>;

/** A reader that runs until it is stopped. */
export type ChaosReader = { record: ReaderRecord; stop(): void };

/**
 * The ways to read without any library: each is one request after another, with the last cursor.
 */
export const WAYS: { [name: string]: Connection } = {
  sse: (asked, sink) => readStream("events", asked, sink),
  stream: (asked, sink) => readStream("stream", asked, sink),
  frame: readFrame,
  poll: (asked, sink) => readPoll("", asked, sink),
  jsonp: (asked, sink) => readPoll("&callback=take", asked, sink),
};

/** A stream without a byte for longer than this is dead: pings come every 2 s. */
const SILENT_MS = 6_000;

type ReaderOptions = {
  name: string;
  way: Connection;
  /** The nodes; each connection takes one of them. */
  urls: string[];
  room: string;
  random: Random;
};

/** Reads a room over any node until it is stopped. Resolves once it has a position. */
export function openReader({ name, way, urls, room, random }: ReaderOptions): Promise<ChaosReader> {
  const over = new AbortController();
  const record: ReaderRecord = { name, room, start: -1, received: [], isLive: true };
  let cursor = "";
  return new Promise((resolve) => {
    const sink: Sink = {
      begin(at) {
        if (cursor !== "") return;
        cursor = at;
        record.start = seqOf(at);
        resolve({ record, stop: () => over.abort() });
      },
      event({ seq, id = "", text = "" }, at) {
        record.received.push({ kind: "event", seq, id, text, at: performance.now() });
        if (at !== "") cursor = at;
      },
      reset({ reason, oldest, head, cursor: at }) {
        record.received.push({ kind: "reset", next: reason === "pruned" ? oldest : head + 1, at: performance.now() });
        cursor = at;
      },
    };
    void follow(sink);
  });

  async function follow(sink: Sink): Promise<void> {
    while (!over.signal.aborted) {
      const url = random.pick(urls);
      await way({ url, room, cursor, signal: over.signal }, sink).catch(() => pause(random.between(50, 700)));
    }
  }
}

/** Returns the seq of a cursor of one room. */
export function seqOf(cursor: string): number {
  return Number(/-(\d+)$/.exec(cursor)?.[1]);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Aborts a request when `signal` is aborted, or after a time without a byte. */
function watch(signal: AbortSignal): { signal: AbortSignal; alive(): void; end(): void } {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), SILENT_MS);
  return {
    signal: AbortSignal.any([signal, silent.signal]),
    alive: () => {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENT_MS);
    },
    end: () => clearTimeout(timer),
  };
}

async function readPieces(address: string, signal: AbortSignal, take: (text: string) => void): Promise<void> {
  const watched = watch(signal);
  try {
    const answer = await fetch(address, { signal: watched.signal });
    if (!answer.ok || !answer.body) throw new Error(`answered with ${answer.status}`);
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      watched.alive();
      take(text);
    }
  } finally {
    watched.end();
  }
}

async function readStream(
  path: string,
  { url, room, cursor, signal }: Parameters<Connection>[0],
  sink: Sink,
): Promise<void> {
  let retry = 0;
  const parser = createParser({
    onEvent({ event, data, id }) {
      const json = JSON.parse(data);
      if (event === undefined) sink.event(json, id ?? "");
      else if (event === "reset") sink.reset(json);
      else if (event === "hello") sink.begin(json.cursor);
      else if (event === "bye") retry = json.retry;
    },
  });
  await readPieces(`${url}/api/${path}?room=${room}&ping=2&after=${cursor}`, signal, (text) => parser.feed(text));
  await pause(retry);
}

const CALL = /<script>chattera\("(\w+)",(.*),"([^"]*)"\)<\/script>\n/g;

async function readFrame({ url, room, cursor, signal }: Parameters<Connection>[0], sink: Sink): Promise<void> {
  let rest = "";
  let retry = 0;
  await readPieces(`${url}/api/frame;callback=take?room=${room}&ping=2&after=${cursor}`, signal, (text) => {
    rest += text;
    const end = rest.lastIndexOf("</script>\n") + "</script>\n".length;
    for (const [, name, json = "", at = ""] of rest.slice(0, end).matchAll(CALL)) {
      const data = JSON.parse(json);
      if (name === "message") sink.event(data, at);
      else if (name === "reset") sink.reset(data);
      else if (name === "hello") sink.begin(data.cursor);
      else if (name === "bye") retry = data.retry;
    }
    rest = rest.slice(end);
  });
  await pause(retry);
}

async function readPoll(
  more: string,
  { url, room, cursor, signal }: Parameters<Connection>[0],
  sink: Sink,
): Promise<void> {
  const wait = cursor === "" ? 0 : 3;
  const asked = AbortSignal.any([signal, AbortSignal.timeout(wait * 1000 + SILENT_MS)]);
  const answer = await fetch(`${url}/api/poll?room=${room}&wait=${wait}&after=${cursor}${more}`, { signal: asked });
  if (!answer.ok) throw new Error(`answered with ${answer.status}`);
  const text = await answer.text();
  const json = more === "" ? text : text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"));
  const { events, reset, cursor: next, signals } = JSON.parse(json) as PollAnswer;
  if (cursor === "") sink.begin(next);
  if (reset) sink.reset({ ...reset, cursor: next });
  for (const event of events) sink.event(event, event === events.at(-1) ? next : "");
  const bye = signals.find((one) => one.signal === "bye");
  if (bye?.signal === "bye") await pause(bye.retry);
}
