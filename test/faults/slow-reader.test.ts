import { connect as connectTcp, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createParser } from "eventsource-parser";
import { APPEND_LIMIT, append } from "../../db/log/append.ts";
import type { RoomEvent } from "../../protocol/event.ts";
import { openStream } from "../../server/testing.ts";
import { openSite, person, say, type TestNode, type TestPerson, type TestSite } from "../support/app.ts";
import { until } from "../support/until.ts";

let site: TestSite;
let node: TestNode;
let ann: TestPerson;

beforeAll(async () => {
  site = await openSite();
  node = site.nodes[0] as TestNode;
  ann = await person(node.url, "Ann");
});

afterAll(() => site?.close());

test("a client that never reads is closed at 256 KiB unsent, is counted, and does not delay others", async () => {
  await openRoom("deaf-ear");
  const slow = await openRaw("/api/events?room=deaf-ear");
  const hello = await slow.hello();
  slow.socket.pause();
  const quick = await openStream(node.url, { room: "deaf-ear" });
  const countBefore = await slowReaders();
  const rssBefore = process.memoryUsage().rss;
  let said = 0;
  // The kernel buffers some megabytes before anything remains in the server.
  while (node.app.site.hub.readers.size > 1) {
    const events = await fill("deaf-ear", 64);
    expect((await quick.events(64)).map((event) => event.seq)).toEqual(events);
    said += 64;
    expect(said).toBeLessThan(4_000);
  }
  expect(said).toBeGreaterThan(64);
  expect(await slowReaders()).toBe(countBefore + 1);
  expect(process.memoryUsage().rss - rssBefore).toBeLessThan(100 * 1024 * 1024);
  await say(node.url, ann, { text: "still here?", room: "deaf-ear" });
  // Ann enters by posting, so there are two events.
  expect((await quick.events(2)).at(-1)).toMatchObject({ text: "still here?" });
  const returned = await openStream(node.url, { room: "deaf-ear", after: hello.cursor });
  const events = await returned.events(said + 2);
  expect(events.map((event) => event.seq)).toEqual(Array.from({ length: said + 2 }, (_, index) => 1 + index));
  for (const stream of [quick, returned]) await stream.close();
  slow.socket.destroy();
});

test("a backlog of thousands is sent as it is read, with at most a page waiting in the server", async () => {
  await openRoom("long-story");
  const before = (await openRaw("/api/events?room=long-story")) as Raw;
  const { cursor } = await before.hello();
  before.socket.destroy();
  const count = 1_536;
  for (let said = 0; said < count; said += APPEND_LIMIT) await fill("long-story", APPEND_LIMIT);
  const slow = await openRaw(`/api/events?room=long-story&after=${cursor}`);
  slow.socket.pause();
  const reader = () => [...node.app.site.hub.readers].find((one) => one.tails[0]?.slug === "long-story");
  // The kernel's buffer is full, so the server has stopped writing.
  const place = await until("the server writes no more", async () => {
    const seq = reader()?.seqIn(reader()?.tails[0] as never) ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 150));
    const isStill = seq > 0 && seq === reader()?.seqIn(reader()?.tails[0] as never);
    return isStill && (reader()?.transport.unsent() ?? 0) > 0 ? seq : undefined;
  });
  expect(place).toBeLessThan(count - 100);
  expect(reader()?.transport.unsent()).toBeLessThan(256 * 1024);
  slow.socket.resume();
  await until("all is read", () => slow.events.length >= count);
  expect(slow.events.map((event) => event.seq)).toEqual(Array.from({ length: count }, (_, index) => 1 + index));
  await say(node.url, ann, { text: "the end", room: "long-story" });
  await until("it is live", () => slow.events.at(-1)?.text === "the end");
  expect(await slowReaders()).toBe(1); // The one of the previous test.
  slow.socket.destroy();
});

type Raw = { socket: Socket; events: RoomEvent[]; hello(): Promise<{ cursor: string }> };

/** Opens a stream on a bare socket, which can stop reading. fetch() and http would read ahead. */
async function openRaw(path: string): Promise<Raw> {
  const socket = connectTcp(Number(new URL(node.url).port), "127.0.0.1");
  const events: RoomEvent[] = [];
  let greeting: { cursor: string } | undefined;
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event === undefined) events.push(JSON.parse(data));
      else if (event === "hello") greeting = JSON.parse(data);
    },
  });
  // The answer to HTTP/1.0 has no chunks, so its bytes are the stream.
  socket.write(`GET ${path} HTTP/1.0\r\nhost: localhost\r\n\r\n`);
  let head = "";
  socket.setEncoding("utf8").on("data", (text: unknown) => {
    if (head.includes("\r\n\r\n")) return parser.feed(String(text));
    head += text;
    const end = head.indexOf("\r\n\r\n");
    if (end >= 0) parser.feed(head.slice(end + 4));
  });
  socket.on("error", () => undefined); // The test breaks it.
  return { socket, events, hello: () => until("hello comes", () => greeting) };
}

async function openRoom(slug: string): Promise<void> {
  const response = await fetch(`${node.url}/api/rooms`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ slug }),
  });
  expect(response.status).toBe(201);
}

/** Appends events of 6 kB to a room's log. Returns their seqs. */
async function fill(slug: string, count: number): Promise<number[]> {
  const [tail] = (await node.app.site.hub.rooms.open([slug])) ?? [];
  const member = { id: "filler", nickname: "Filler", color: "#000000" };
  const draft = { roomId: tail?.id as number, kind: "leave" as const, member, text: "あ".repeat(2_000) };
  const stored = await append(node.app.site.db, Array<typeof draft>(count).fill(draft));
  return stored.map((one) => one?.event.seq as number);
}

async function slowReaders(): Promise<number> {
  const metrics = await (await fetch(`${node.url}/metrics`)).text();
  return Number(/^chattera_slow_readers_total (\d+)$/m.exec(metrics)?.[1]);
}
