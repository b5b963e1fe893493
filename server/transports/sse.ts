import type { ServerResponse } from "node:http";
import { Connection, Session } from "better-sse";
import { FIRST_PING_MS } from "../../protocol/limits.ts";
import { signalFrame } from "../delivery/frames.ts";
import type { Reader, Signal, Transport } from "../delivery/reader.ts";

/** What an event stream is asked for. Times are milliseconds. */
export type SseOptions = { pingMs: number; isPadded: boolean };

/**
 * Opens an event stream on a response that nobody has written to. `onClose` is called once, when the connection ends.
 * Resolves when the head is sent.
 */
export async function openSse(response: ServerResponse, options: SseOptions, onClose: () => void): Promise<Transport> {
  const connection = new SharedConnection(response);
  // [trust 1.2] no retry and no comment of better-sse's own: a block without data is an empty event to six libraries
  const session = new Session(connection, { retry: null, keepAlive: null, trustClientEventId: false });
  session.once("disconnected", onClose);
  await new Promise<void>((resolve) => {
    session.once("connected", resolve);
    session.once("disconnected", resolve);
  });
  if (options.isPadded) response.write(PRELUDE);
  let isGreeted = false;
  return {
    name: "sse",
    format: "sse",
    firstBeatMs: FIRST_PING_MS,
    write: (frame) => connection.send(frame),
    signal: (signal) => {
      isGreeted ||= signal.name === "hello";
      connection.send(bytesOf(signal));
    },
    beat: (reader) => {
      // hello is the first frame; while a slow database keeps it waiting, the reader has no place to tell either
      if (!isGreeted) return FIRST_PING_MS;
      connection.send(pingFrame(reader));
      return options.pingMs;
    },
    unsent: () => response.writableLength,
    drained: () => drained(response),
    end: () => connection.end(),
  };
}

/**
 * 2 KiB of comment for browsers and proxies that hold back the first bytes; it stands in one block with the `hello`
 * that follows, so that it is no block without data.
 */
const PRELUDE = `:${" ".repeat(2048)}\n`;

/** A room's readers are all told the same signal, the very object: it is encoded for the first of them. */
function bytesOf(signal: Signal): Buffer {
  const known = encoded.get(signal);
  if (known) return known;
  const { name, data } = signal;
  const frames = [data].flat().map((each) => signalFrame(name, each, "retry" in each ? each.retry : undefined));
  const bytes = Buffer.concat(frames);
  encoded.set(signal, bytes);
  return bytes;
}

const encoded = new WeakMap<Signal, Buffer>();

/** better-sse's end of a response, but the bytes are ours: encoded once, and the same Buffer for every reader of a room. */
class SharedConnection extends Connection {
  url = NO_URL;
  request: Request;
  response = new Response();
  #res: ServerResponse;
  #closed = new AbortController();

  constructor(res: ServerResponse) {
    super();
    this.#res = res;
    this.request = new Request(NO_URL, { signal: this.#closed.signal });
    res.socket?.setNoDelay(true);
    // [dust-tt/dust#24357] the response's close: the request's never comes once its body is read
    res.once("close", () => this.#closed.abort());
    if (res.destroyed) this.#closed.abort();
  }

  sendHead(): void {
    this.#res.writeHead(200, SSE_HEADERS);
    this.#res.flushHeaders();
  }

  sendChunk(chunk: string): void {
    if (chunk !== "") this.#res.write(chunk);
  }

  cleanup(): void {}

  send(frame: Buffer): void {
    if (!this.#res.writableEnded && !this.#res.destroyed) this.#res.write(frame);
  }

  end(): void {
    // who has left 256 KiB unread will not read an ending either
    if (this.#res.writableNeedDrain) this.#res.destroy();
    else this.#res.end();
  }
}

/** The query belongs to our route; better-sse would read `padding` and `evs_preamble` from it and write blocks without data. */
const NO_URL = new URL("http://localhost/");

/** [nginx] X-Accel-Buffering is what makes a bare nginx pass events on; no-store and no-transform are for the others. */
export const SSE_HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
} as const;

/** [trust 1.3] The answer to a stream that must come back later: any status but 200 ends a browser's EventSource for good. */
export function busyFrame(retryMs: number): Buffer {
  return signalFrame("bye", { retry: retryMs }, retryMs);
}

/** The reader's place, which it may come back with, and the heads of its rooms, by which it sees what it lacks. */
function pingFrame(reader: Reader): Buffer {
  return signalFrame("ping", { cursor: reader.cursor(), heads: reader.heads() });
}

function drained(response: ServerResponse): Promise<void> {
  if (!response.writableNeedDrain || response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}
