import { createServer, get, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { RoomEvent } from "../protocol/event.ts";

export type { EventKind, Member, RoomEvent } from "../protocol/event.ts";

/** The site to read from: an app's `callback()`, a server, or the URL of a running one. */
export type Target = RequestListener | Server | string;

/** An open event stream in a test. */
export type EventStream = {
  /**
   * Waits for the next `count` events of the log and returns them in order. Rejects when the stream
   * ends or `timeoutMs` passes.
   */
  events(count: number): Promise<RoomEvent[]>;
  /**
   * Waits for the next signal of a name, e.g. `hello`, `members`, `reset`. Signals that arrived
   * before count too.
   */
  signal(name: string): Promise<unknown>;
  /**
   * Returns the cursor after the last event read, at first the one of `hello`: `after` of a stream
   * that continues from here.
   */
  cursor(): string;
  close(): Promise<void>;
};

/** The options of a stream. */
export type EventStreamOptions = {
  /** The room to follow, or up to eight. */
  room: string | string[];
  /** Where to start: one cursor or several. Default: now. */
  after?: string | string[];
  /** A cursor, sent in the header that a browser's EventSource sends when it reconnects. */
  lastEventId?: string;
  /** A session's token, to read as a member. */
  token?: string;
  /** How long to wait for each event or signal, in milliseconds. Default: 5000. */
  timeoutMs?: number;
};

/**
 * Opens `/api/events` and resolves when the first frame (`hello`) has arrived: the stream reads all
 * messages that are sent after that. Example: `const stream = await openStream(app.callback(), {
 * room: "lobby" })`, then `await stream.events(2)`.
 */
export async function openStream(target: Target, options: EventStreamOptions): Promise<EventStream> {
  const { url, close } = await reach(target);
  const query = new URLSearchParams([options.room].flat().map((room): [string, string] => ["room", room]));
  for (const after of [options.after ?? []].flat()) query.append("after", after);
  if (options.token !== undefined) query.set("token", options.token);
  const response = await request(`${url}/api/events?${query}`, options.lastEventId);
  const stream = readStream(response, options.timeoutMs ?? 5_000, close);
  try {
    if (response.statusCode !== 200) throw new Error(`the stream was answered with ${response.statusCode}`);
    await stream.begin();
  } catch (error) {
    await stream.close();
    throw error;
  }
  return stream;
}

/** Opens a stream, reads its first `count` events, and closes it. */
export async function readEvents(
  target: Target,
  options: EventStreamOptions & { count: number },
): Promise<RoomEvent[]> {
  const stream = await openStream(target, options);
  try {
    return await stream.events(options.count);
  } finally {
    await stream.close();
  }
}

/**
 * Returns the URL of a target. An app or a server listens on a free port of this machine until
 * `close`.
 */
async function reach(target: Target): Promise<{ url: string; close: () => Promise<void> }> {
  if (typeof target === "string") return { url: target.replace(/\/$/, ""), close: async () => undefined };
  const server = typeof target === "function" ? createServer(target) : target;
  const isOurs = !server.listening;
  if (isOurs) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async () => {
    if (isOurs) await new Promise((resolve) => server.close(resolve));
  };
  return { url, close };
}

function request(url: string, lastEventId: string | undefined): Promise<IncomingMessage> {
  const headers = { accept: "text/event-stream", ...(lastEventId !== undefined && { "last-event-id": lastEventId }) };
  return new Promise((resolve, reject) => {
    get(url, { agent: false, headers }, resolve).once("error", reject);
  });
}

function readStream(
  response: IncomingMessage,
  timeoutMs: number,
  release: () => Promise<void>,
): EventStream & { begin(): Promise<void> } {
  const events: EventSourceMessage[] = [];
  const signals: EventSourceMessage[] = [];
  let hasEnded = false;
  let cursor = "";
  const waiting = new Set<() => void>();
  const parser = createParser({ onEvent: (event) => (event.event ? signals : events).push(event) });
  const wake = () => {
    for (const goOn of waiting) goOn();
  };
  response.setEncoding("utf8");
  response.on("data", (text: string) => {
    parser.feed(text);
    wake();
  });
  const onEnd = () => {
    hasEnded = true;
    wake();
  };
  response.on("error", onEnd);
  response.on("close", onEnd);

  return {
    events: async (count) => {
      const read = await until(
        () => (events.length >= count ? events.splice(0, count) : undefined),
        () => `${count} events; ${events.length} came`,
      );
      cursor = read.at(-1)?.id ?? cursor;
      return read.map((event) => JSON.parse(event.data));
    },
    signal: async (name) => {
      const found = await find(name);
      signals.splice(signals.indexOf(found), 1);
      return JSON.parse(found.data);
    },
    begin: async () => {
      cursor = (await find("hello")).id ?? "";
    },
    cursor: () => cursor,
    close: async () => {
      response.destroy();
      await release();
    },
  };

  function find(name: string): Promise<EventSourceMessage> {
    return until(
      () => signals.find((signal) => signal.event === name),
      () => `the signal ${name}`,
    );
  }

  /** Waits until `take` returns something, and returns it. */
  async function until<T>(take: () => T | undefined, awaited: () => string): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const taken = take();
      if (taken !== undefined) return taken;
      if (hasEnded) throw new Error(`the stream ended before ${awaited()}`);
      if (performance.now() >= deadline) throw new Error(`waited ${timeoutMs} ms for ${awaited()}`);
      await somethingOr(deadline);
    }
  }

  function somethingOr(deadline: number): Promise<void> {
    return new Promise((resolve) => {
      const goOn = () => {
        clearTimeout(timer);
        waiting.delete(goOn);
        resolve();
      };
      const timer = setTimeout(goOn, Math.max(0, deadline - performance.now()));
      waiting.add(goOn);
    });
  }
}
