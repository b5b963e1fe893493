import type { Socket } from "node:net";
import { beforeAll, expect, test } from "@jest/globals";
import { person, say, type TestPerson } from "../support/app.ts";
import { RawConnection } from "../support/raw-connection.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();
let ann: TestPerson;
/** The node's ends of its connections, by the port of the other end. */
const atNode = new Map<number | undefined, Socket>();

beforeAll(async () => {
  site.node.server.on("connection", (socket) => atNode.set(socket.remotePort, socket));
  ann = await person(site.url, "Ann");
  await say(site.url, ann, "I am in");
});

/** Returns the node's end of a connection. */
const farEndOf = (wire: RawConnection) => atNode.get(wire.socket.localPort) as Socket;

/** Returns a connection on which a poll has been answered, so that the node has kept it. */
async function keptWire(): Promise<{ wire: RawConnection; cursor: string }> {
  const wire = new RawConnection(site.url);
  const { cursor } = await say(site.url, ann, "before");
  wire.ask(`/api/poll?room=lobby&after=${cursor}&n=first`);
  await waits();
  await say(site.url, ann, "the first answer");
  const { body } = await wire.answer();
  return { wire, cursor: body.cursor };
}

/** Waits until a poll waits at the node. */
async function waits(): Promise<void> {
  await until("a poll waits", () => site.node.app.site.hub.readers.size === 1);
}

test("a poll on a kept connection is answered like the first: same headers, its own nonce, the new messages", async () => {
  const { wire, cursor } = await keptWire();
  const whole = new RawConnection(site.url);
  whole.ask(`/api/poll?room=lobby&after=${cursor}&n=whole`, "Host: here\r\nX-Another: shape\r\n");
  await waits();
  wire.ask(`/api/poll?room=lobby&after=${cursor}&n=second`);
  await until("both wait", () => site.node.app.site.hub.readers.size === 2);
  await say(site.url, ann, "for both");
  const [kept, other] = [await wire.answer(), await whole.answer()];
  expect(kept.body).toEqual({ ...other.body, n: "second" });
  expect(kept.body.events).toMatchObject([{ text: "for both" }]);
  for (const [name, value] of other.headers)
    if (!/^(date|content-length|keep-alive)$/.test(name)) expect([name, kept.headers.get(name)]).toEqual([name, value]);
  expect(kept.headers.has("date")).toBe(true);
  // Keep-Alive marks Node's own answers.
  expect([kept.headers.has("keep-alive"), other.headers.has("keep-alive")]).toEqual([false, true]);
  for (const each of [wire, whole]) each.socket.destroy();
});

test("messages between two polls are delivered at once", async () => {
  const { wire, cursor } = await keptWire();
  await say(site.url, ann, "missed one");
  await say(site.url, ann, "missed two");
  // A receipt may be slightly ahead of what this node has read. Then the next poll delivers the
  // second message.
  const texts: (string | undefined)[] = [];
  for (let after = cursor; texts.length < 2; ) {
    wire.ask(`/api/poll?room=lobby&after=${after}&n=2`);
    const { body } = await wire.answer();
    texts.push(...body.events.map(({ text }) => text));
    after = body.cursor;
  }
  expect(texts).toEqual(["missed one", "missed two"]);
  wire.socket.destroy();
});

test("another request on it leaves the fast path, and so does the next poll", async () => {
  const { wire, cursor } = await keptWire();
  wire.ask("/healthz");
  expect(await wire.answer()).toMatchObject({ status: 200, body: { status: "ok" } });
  wire.ask(`/api/poll?room=lobby&after=${cursor}&n=2&wait=0`);
  expect(await wire.answer()).toMatchObject({ status: 200, body: { n: "2", events: [] } });
  wire.socket.destroy();
});

test.each([
  ["an invalid nonce", "&n=%0a", "malformed"],
  ["a nonce that is too long", `&n=${"n".repeat(65)}`, "malformed"],
  ["another room, which does not exist", "&n=2&room=nowhere", "no_such_room"],
])("%s is refused as usual", async (_invalid, query, code) => {
  const { wire, cursor } = await keptWire();
  wire.ask(`/api/poll?room=lobby&after=${cursor}${query}`);
  expect((await wire.answer()).body.code).toBe(code);
  wire.socket.destroy();
});

test("a cursor that cannot be continued is answered with a reset", async () => {
  const { wire } = await keptWire();
  wire.ask("/api/poll?room=lobby&after=nonsense&n=2");
  expect((await wire.answer()).body.reset).toMatchObject({ reason: "malformed" });
  wire.socket.destroy();
});

test("another header makes it another request: an invalid token is still refused", async () => {
  const { wire, cursor } = await keptWire();
  wire.ask(`/api/rooms/lobby/messages?n=2`, "Host: here\r\nAuthorization: Bearer nonsense\r\n");
  expect((await wire.answer()).status).toBe(401);
  wire.ask(`/api/poll?room=lobby&after=${cursor}&n=3&wait=0`);
  expect((await wire.answer()).status).toBe(200);
  wire.socket.destroy();
});

test("a client that sends a request before the last answer gets both answers, in order", async () => {
  const { wire, cursor } = await keptWire();
  wire.ask(`/api/poll?room=lobby&after=${cursor}&n=2`);
  await waits();
  wire.ask("/healthz");
  expect((await wire.answer()).body).toMatchObject({ n: "2", events: [] });
  expect((await wire.answer()).body).toMatchObject({ status: "ok" });
  wire.socket.destroy();
});

test("a request that arrives in pieces is answered", async () => {
  const { wire, cursor } = await keptWire();
  const before = farEndOf(wire).bytesRead;
  wire.socket.write(`GET /api/poll?room=lobby&after=${cursor}&n=pie`);
  await until("the first piece has arrived", () => farEndOf(wire).bytesRead > before);
  await say(site.url, ann, "meanwhile");
  wire.socket.write("ces HTTP/1.1\r\nHost: here\r\n\r\n");
  expect((await wire.answer()).body).toMatchObject({ n: "pieces", events: [{ text: "meanwhile" }] });
  wire.socket.destroy();
});

test("the body of a poll is never read as a request", async () => {
  const { wire, cursor } = await keptWire();
  await say(site.url, ann, "missed");
  const body = "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n";
  for (const n of ["2", "3"]) {
    wire.ask(`/api/poll?room=lobby&after=${cursor}&n=${n}`, `Host: here\r\nContent-Length: ${body.length}\r\n`);
    expect((await wire.answer()).body).toMatchObject({ n, events: [{ text: "missed" }] });
    wire.socket.write(body);
  }
  wire.ask("/healthz");
  expect((await wire.answer()).body).toMatchObject({ status: "ok" });
  wire.socket.destroy();
});

test("half a request that arrives before the first poll's answer is not lost", async () => {
  const { cursor } = await say(site.url, ann, "before");
  const wire = new RawConnection(site.url);
  wire.ask(`/api/poll?room=lobby&after=${cursor}&n=first`);
  await waits();
  const before = farEndOf(wire).bytesRead;
  wire.socket.write(`GET /api/poll?room=lobby&after=${cursor}&n=se`);
  await until("the half is there", () => farEndOf(wire).bytesRead > before);
  await say(site.url, ann, "between the halves");
  expect((await wire.answer()).body).toMatchObject({ n: "first" });
  wire.socket.write("cond HTTP/1.1\r\nHost: here\r\n\r\n");
  expect((await wire.answer()).body).toMatchObject({ n: "second", events: [{ text: "between the halves" }] });
  wire.socket.destroy();
});

test("a connection that is kept and given back repeatedly accumulates no listeners", async () => {
  const { wire, cursor } = await keptWire();
  await say(site.url, ann, "missed");
  const counts = new Set<number>();
  for (let n = 0; n < 5; n += 1) {
    wire.ask(`/api/poll?room=lobby&after=${cursor}&n=${n}`);
    await wire.answer();
    // Node's http listens to it. While it is kept, nobody waits for it to drain.
    await until("it is kept", () => farEndOf(wire).listenerCount("drain") === 0);
    wire.ask("/healthz");
    await wire.answer();
    const farEnd = farEndOf(wire);
    counts.add(farEnd.eventNames().reduce((sum, name) => sum + farEnd.listenerCount(name), 0));
  }
  expect(counts.size).toBe(1);
  wire.socket.destroy();
});

test("unread answers do not accumulate at the node", async () => {
  const { wire, cursor } = await keptWire();
  for (let n = 0; n < 20; n += 1) await say(site.url, ann, `${n} ${"long ".repeat(390)}`);
  wire.socket.pause();
  let unsent = 0;
  // 40 kB each, more than the kernel buffers. Each is requested by a packet of its own until the
  // node stops reading.
  for (let n = 0; n < 500; n += 1) {
    const before = farEndOf(wire).bytesRead;
    wire.ask(`/api/poll?room=lobby&after=${cursor}&n=${n}`);
    while (farEndOf(wire).bytesRead === before && !farEndOf(wire).isPaused()) await new Promise(setImmediate);
    unsent = Math.max(unsent, farEndOf(wire).writableLength);
  }
  expect(unsent).toBeGreaterThan(0);
  expect(unsent).toBeLessThan(1024 * 1024);
  wire.socket.destroy();
});

test("a client that sends requests without reading gets all answers in order when it reads", async () => {
  const { wire, cursor } = await keptWire();
  for (let n = 0; n < 20; n += 1) await say(site.url, ann, `${n} ${"long ".repeat(90)}`);
  let received = "";
  wire.socket.on("data", (text) => {
    received += text;
  });
  wire.socket.pause();
  // 20 MB of answers, more than the kernel buffers.
  const nonces = Array.from({ length: 1_500 }, (_, n) => `unread-${n}`);
  for (const n of nonces) {
    wire.ask(`/api/poll?room=lobby&after=${cursor}&n=${n}`);
    // Most of them become a packet of their own.
    await new Promise(setImmediate);
  }
  wire.socket.resume();
  const answered = () => Array.from(received.matchAll(/"n":"(unread-\d+)"/g), ([, n]) => n);
  await until("all are answered", () => answered().length >= nonces.length, 20_000);
  expect(answered()).toEqual(nonces);
  wire.socket.destroy();
}, 30_000);

test("an answer that a client has not read yet keeps its nonce while others are answered", async () => {
  const { wire: slow, cursor } = await keptWire();
  const { wire: quick } = await keptWire();
  // Less than the 8 KiB that a kept connection answers itself.
  for (let n = 0; n < 10; n += 1) await say(site.url, ann, `${n} ${"long ".repeat(90)}`);
  let received = "";
  slow.socket.on("data", (text) => {
    received += text;
  });
  slow.socket.pause();
  const asked: string[] = [];
  // Until the kernel accepts no more, and a few times after that.
  for (let blocked = 0; blocked < 5; ) {
    const nonce = `unread-${String(asked.length).padStart(6, "0")}`;
    const before = farEndOf(slow).bytesRead;
    slow.ask(`/api/poll?room=lobby&after=${cursor}&n=${nonce}`);
    asked.push(nonce);
    while (farEndOf(slow).bytesRead === before && !farEndOf(slow).isPaused()) await new Promise(setImmediate);
    if (bytesUnsent(farEndOf(slow)) === 0) continue;
    blocked += 1;
    quick.ask(`/api/poll?room=lobby&after=${cursor}&n=other--${String(asked.length).padStart(6, "0")}`);
    await quick.answer();
  }
  slow.socket.resume();
  const answered = () => Array.from(received.matchAll(/"n":"([\w-]+)"/g), ([, n]) => n);
  await until("all are answered", () => answered().length >= asked.length, 20_000);
  expect(answered()).toEqual(asked);
  for (const wire of [slow, quick]) wire.socket.destroy();
}, 30_000);

/** Returns the bytes that the kernel has not accepted yet. */
function bytesUnsent(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { _handle?: { writeQueueSize: number } };
  return socket.writableLength + (handle?.writeQueueSize ?? 0);
}

test("a client that disconnects while it waits is forgotten", async () => {
  const { wire, cursor } = await keptWire();
  wire.ask(`/api/poll?room=lobby&after=${cursor}&n=2`);
  await waits();
  wire.socket.destroy();
  await until("nobody waits", () => site.node.app.site.hub.readers.size === 0);
});

test("a draining node sends the client away and closes the connection", async () => {
  const { wire, cursor } = await keptWire();
  wire.ask(`/api/poll?room=lobby&after=${cursor}&n=2`);
  await waits();
  site.node.app.drain();
  expect((await wire.answer()).body.signals).toContainEqual(expect.objectContaining({ signal: "bye" }));
  await until("the node closes the connection", () => wire.isClosed);
});
