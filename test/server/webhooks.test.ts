import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { listFailures } from "../../db/log/webhooks.ts";
import type { RoomEvent } from "../../protocol/event.ts";
import { deliverEvents } from "../../server/hooks/deliver.ts";
import { webhookId, webhookTo } from "../../server/hooks/webhook.ts";
import { openNode, person, say, type TestNode } from "../support/app.ts";
import { createDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/** A webhook as it arrives. */
type Received = { id: string; isSigned: boolean; type: string; event: RoomEvent };

let database: Awaited<ReturnType<typeof createDatabase>>;
let receiver: Server | undefined;
let received: Received[] = [];
const nodes: TestNode[] = [];

beforeAll(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close();
  receiver?.closeAllConnections();
  receiver?.close();
  received = [];
});
afterAll(() => database?.drop());

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Receives webhooks at a port. `statusOf` decides about the answer, and only 200 takes it. */
async function receiveAt(port: number, statusOf: (one: Received) => number = () => 200): Promise<void> {
  receiver = createServer(async (request, response) => {
    let body = "";
    for await (const part of request.setEncoding("utf8")) body += part;
    const { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": signature } = request.headers;
    const key = Buffer.from(SECRET.slice("whsec_".length), "base64");
    const expected = `v1,${createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64")}`;
    const { type, data } = JSON.parse(body);
    const one = { id: String(id), isSigned: signature === expected, type, event: data };
    const status = statusOf(one);
    if (status === 200) received.push(one);
    response.writeHead(status).end();
  });
  receiver.listen(port, "127.0.0.1");
  await once(receiver, "listening");
}

async function open(url: string): Promise<TestNode> {
  const node = await openNode(database.url, { webhooks: [url], webhookSecret: SECRET });
  nodes.push(node);
  return node;
}

/** The seqs that were taken of a room, each once, in the order in which they came first. */
function seqsOf(room: string): number[] {
  return [...new Set(received.filter(({ event }) => event.room === room).map(({ event }) => event.seq))];
}

/** The texts that were taken of a room, in the order in which they came first. */
function textsOf(room: string): string[] {
  const messages = received.filter(({ type, event }) => type === "message" && event.room === room);
  return [...new Set(messages.map(({ event }) => event.text ?? ""))];
}

/** Sends to a URL by a node's parts, with short pauses. */
function begin({ app }: TestNode, url: string): { sending: Promise<void>; stop(): void } {
  const { db, log, logger, followers } = app.site;
  const abort = new AbortController();
  const site = { db, log, logger, followers, node: url, signal: abort.signal, retryMs: 1 };
  const sending = deliverEvents(site, webhookTo({ url, secret: SECRET, kinds: undefined }));
  const stop = () => {
    followers.stop();
    abort.abort();
  };
  return { sending, stop };
}

async function hasBegun({ app }: TestNode, port: number, path: string): Promise<boolean> {
  const id = webhookId(`http://127.0.0.1:${port}/${path}`);
  return (await app.site.db("webhook_positions").where({ webhook: id })).length > 0;
}

async function makeRoom({ url }: TestNode, slug: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  await fetch(`${url}/api/rooms`, { method: "POST", headers, body: JSON.stringify({ slug }) });
}

describe("webhooks", () => {
  test("of two nodes, to a receiver that is away at first, come at least once each, in order, and signed", async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/hook`;
    const [first, second] = [await open(url), await open(url)];
    await until("the webhook begins", async () => (await first.app.site.db("webhook_positions").select()).length > 0);
    const rooms = ["lobby", "tea"];
    await fetch(`${first.url}/api/rooms`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ slug: "tea" }),
    });
    const people = [await person(first.url, "Ann"), await person(second.url, "Ben")] as const;
    const heads = new Map<string, number>();
    const talk = async (n: number) => {
      for (const room of rooms) {
        const said = await Promise.all([
          say(first.url, people[0], { text: `Ann ${n}`, room }),
          say(second.url, people[1], { text: `Ben ${n}`, room }),
        ]);
        heads.set(room, Math.max(...said.map(({ event }) => event.seq)));
      }
    };
    for (let n = 1; n <= 5; n += 1) await talk(n);
    await receiveAt(port);
    const isComplete = () => rooms.every((room) => seqsOf(room).length === heads.get(room));
    await until("all have come", isComplete, 20_000);
    // The node that sends ends, and the other one goes on.
    await nodes.shift()?.close();
    const last = await say(second.url, people[1], { text: "Ben alone", room: "tea" });
    heads.set("tea", last.event.seq);
    await until("the last has come", () => seqsOf("tea").at(-1) === last.event.seq, 20_000);

    expect(received.every(({ isSigned }) => isSigned)).toBe(true);
    expect(new Set(received.map(({ id }) => id)).size).toBeGreaterThanOrEqual(received.length - 2);
    for (const room of rooms) {
      const seqs = seqsOf(room);
      expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    }
    expect(received.find(({ event }) => event.text === "Ann 1")).toMatchObject({ type: "message" });
  }, 60_000);

  test("that a receiver refuses again and again are kept as failures, and those after them come", async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/strict`;
    const node = await openNode(database.url);
    nodes.push(node);
    const { db, log, logger, followers } = node.app.site;
    const abort = new AbortController();
    const site = { db, log, logger, followers, node: "strict", signal: abort.signal, retryMs: 1 };
    await receiveAt(port, ({ event }) => (event.text === "poison" ? 422 : 200));
    const kinds = new Set(["message"]);
    const sending = deliverEvents(site, webhookTo({ url, secret: SECRET, kinds }));
    await until("the webhook begins", async () => (await db("webhooks").where({ id: webhookId(url) })).length > 0);
    const cleo = await person(node.url, "Cleo");
    const poison = await say(node.url, cleo, "poison");
    await say(node.url, cleo, "fine");
    await until("the next one comes", () => received.some(({ event }) => event.text === "fine"), 20_000);
    expect(received.map(({ type }) => type)).toEqual(["message"]);
    const { seq } = poison.event;
    expect(await listFailures(db, webhookId(url))).toMatchObject([{ room: "lobby", seq, error: "answered with 422" }]);
    followers.stop();
    abort.abort();
    await sending;
  }, 60_000);

  test("go on in other rooms while an event of one is not taken", async () => {
    const port = await freePort();
    const node = await openNode(database.url);
    nodes.push(node);
    const { sending, stop } = begin(node, `http://127.0.0.1:${port}/partly`);
    let isRepaired = false;
    await receiveAt(port, ({ event }) => (event.text === "poison" && !isRepaired ? 500 : 200));
    const dora = await person(node.url, "Dora");
    await until("the webhook begins", () => hasBegun(node, port, "partly"));
    for (const room of ["one", "two"]) await makeRoom(node, room);
    await say(node.url, dora, { text: "poison", room: "one" });
    await say(node.url, dora, { text: "after it", room: "one" });
    for (let n = 1; n <= 3; n += 1) await say(node.url, dora, { text: `fine ${n}`, room: "two" });
    await until("the other room's come", () => textsOf("two").includes("fine 3"), 20_000);
    expect(textsOf("one")).toEqual([]);
    isRepaired = true;
    await until("the held ones come", () => textsOf("one").includes("after it"), 20_000);
    expect(textsOf("one")).toEqual(["poison", "after it"]);
    stop();
    await sending;
  }, 60_000);

  test("ask a receiver that is away with three rooms only, and then send all", async () => {
    const port = await freePort();
    const node = await openNode(database.url);
    nodes.push(node);
    const { sending, stop } = begin(node, `http://127.0.0.1:${port}/away`);
    const asked: string[] = [];
    let isAway = true;
    await receiveAt(port, ({ event }) => {
      if (isAway) asked.push(event.room);
      return isAway ? 503 : 200;
    });
    await until("the webhook begins", () => hasBegun(node, port, "away"));
    const emil = await person(node.url, "Emil");
    const rooms = ["a1", "a2", "a3", "a4", "a5", "a6"];
    for (const room of rooms) await makeRoom(node, room);
    for (const room of rooms) await say(node.url, emil, { text: `in ${room}`, room });
    await until("it is asked again and again", () => asked.length >= 15, 20_000);
    expect(new Set(asked).size).toBe(3);
    isAway = false;
    await until("all come", () => rooms.every((room) => textsOf(room).includes(`in ${room}`)), 20_000);
    stop();
    await sending;
  }, 60_000);

  test("do not send a text that was erased while its receiver was away", async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/late`;
    const node = await open(url);
    await until("the webhook begins", async () => (await node.app.site.db("webhook_positions").select()).length > 0);
    const eva = await person(node.url, "Eva");
    let attempts = 0;
    let isAway = true;
    const statusOf = () => {
      attempts += 1;
      return isAway ? 503 : 200;
    };
    await receiveAt(port, statusOf);
    const said = [];
    for (const text of ["one that stays", "one that is erased", "another that is erased"])
      said.push(await say(node.url, eva, text));
    // The events are in the sender's memory.
    await until("the receiver was asked", () => attempts >= 2);
    for (const { event } of said.slice(1))
      await fetch(`${node.url}/api/rooms/lobby/messages/${event.seq}/erase`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${eva.token}` },
        body: "{}",
      });
    isAway = false;
    await until("all have come", () => received.filter(({ type }) => type === "erase").length === 2, 20_000);
    expect(received.filter(({ type }) => type === "message").map(({ event }) => event.text)).toEqual([
      "one that stays",
      undefined,
      undefined,
    ]);
  }, 60_000);

  test("need a secret", async () => {
    await expect(openNode(database.url, { webhooks: ["https://a.example/hook"] })).rejects.toThrow(
      "CHATTERA_WEBHOOK_SECRET",
    );
  });
});
