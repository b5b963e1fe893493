import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { EventSource } from "eventsource";
import type { Address } from "../../client/core/base/address.ts";
import type { Ending, Sink, Transport } from "../../client/core/reading/transport.ts";
import { createSse } from "../../client/transports/sse.ts";
import { createStream } from "../../client/transports/stream.ts";
import type { RoomEvent } from "../../protocol/event.ts";

/** [DOM 2.10] A browser reports an error in a listener and continues. */
class BrowsersEventSource extends EventSource {
  override dispatchEvent(event: Event): boolean {
    try {
      return super.dispatchEvent(event);
    } catch (_reported) {
      return true;
    }
  }
}

const HELLO = 'event: hello\ndata: {"chattera":1}\n\n';

describe.each<[string, (address: Address) => Transport]>([
  ["sse", createSse],
  ["stream", createStream],
])("%s", (_, create) => {
  let server: Server;
  let body: string;

  beforeEach(async () => {
    Object.assign(globalThis, { EventSource: BrowsersEventSource });
    server = createServer((_request, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" }).write(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(async () => {
    Reflect.deleteProperty(globalThis, "EventSource");
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  test.each<[string, string, Ending["how"]]>([
    ["a proxy inserts something", `${HELLO}data: <script src="//proxy/banner.js">\n\n`, "cut"],
    ["the stream is not the site's own", "data: maintenance\n\n", "refused"],
    ["data is missing from an event", `${HELLO}data: null\n\n`, "cut"],
  ])("ends when %s", async (_, text, how) => {
    body = text;
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ending = await new Promise<Ending>((ended) => {
      const sink: Sink = (kind, data) => {
        if (kind === "event") expect((data as RoomEvent).room).toBeDefined();
        if (kind === "ended") ended(data as Ending);
      };
      const reading = {
        rooms: ["lobby"],
        after: [],
        nonce: "n",
        wait: 0,
        graceMs: 0,
        ping: 0,
        late: false,
        once: false,
      };
      create({ base }).open(reading, sink);
    });
    expect(ending).toEqual({ how });
  });
});

/** [WebKit] Opens again when its page comes back from the browser's back-forward cache. */
class RevivedEventSource {
  static all: RevivedEventSource[] = [];
  readyState = 1;
  onopen = () => {};
  onerror = () => {};
  onmessage: (event: object) => void = () => {};
  private readonly listeners: { [name: string]: (event: object) => void } = {};
  constructor() {
    RevivedEventSource.all.push(this);
  }
  addEventListener(name: string, listener: (event: object) => void): void {
    this.listeners[name] = listener;
  }
  close(): void {
    this.readyState = 2;
  }
  revive(): void {
    this.readyState = 1;
  }
  say(name: string, data: object): void {
    this.listeners[name]?.({ data: JSON.stringify(data), lastEventId: "" });
  }
}

test.each<[string, (source: RevivedEventSource) => void]>([
  ["opens", (source) => source.onopen()],
  ["says hello", (source) => source.say("hello", { chattera: 1 })],
  ["brings an event", (source) => source.onmessage({ data: "{}", lastEventId: "c1" })],
  ["fails", (source) => source.onerror()],
])("an EventSource that comes back to life after its end is closed again when it %s", (_, happen) => {
  Object.assign(globalThis, { EventSource: RevivedEventSource });
  const brought: string[] = [];
  const reading = { rooms: ["lobby"], after: [], nonce: "n", wait: 0, graceMs: 0, ping: 0, late: false, once: false };
  const close = createSse({ base: "" }).open(reading, (kind) => void brought.push(kind));
  const source = RevivedEventSource.all.at(-1) as RevivedEventSource;
  source.say("hello", { chattera: 1 });
  close();
  source.revive();
  happen(source);
  expect([source.readyState, brought]).toEqual([2, ["hello"]]);
  Reflect.deleteProperty(globalThis, "EventSource");
});
