import { get, type IncomingMessage } from "node:http";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { EventSource } from "eventsource";
import request from "supertest";
import { HAS_FAST_PATH } from "../../server/streams/socket.ts";
import { openStream } from "../../server/testing.ts";
import { openNode, person, say, type TestPerson } from "../support/app.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();
let ann: TestPerson;

beforeAll(async () => {
  ann = await person(site.url, "Ann");
  await say(site.url, ann, "premise");
});

/** A block of a stream. Only events, hello and reset have an id, which is their last line. */
const BLOCK =
  /^(event: (hello|reset)\n(retry: \d+\n)?data: \S.*\nid: [a-z0-9.-]+|event: (?!hello|reset)\w+\n(retry: \d+\n)?data: \S.*|data: \{.*\}\nid: [a-z0-9.-]+)$/;

/** Returns the bytes of a stream until they contain a text. */
async function readUntil(path: string, end: RegExp, onOpen: () => Promise<unknown> = async () => undefined) {
  const response = await new Promise<IncomingMessage>((resolve) =>
    get(`${site.url}${path}`, { agent: false }, resolve),
  );
  await onOpen();
  const parts: string[] = [];
  for await (const part of response.setEncoding("utf8")) {
    parts.push(part);
    if (end.test(parts.join(""))) break;
  }
  return { response, parts, text: parts.join("") };
}

describe("an event stream", () => {
  test("begins at once with hello, which carries retry, version, cursor and nonce, and pings after half a second", async () => {
    const before = performance.now();
    const { response, text } = await readUntil("/api/events?room=lobby&n=abc", /event: ping\n.*\n\n/);
    const took = performance.now() - before;
    expect(response.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
    });
    const hello = /^event: hello\nretry: (\d+)\ndata: (.*)\nid: (.*)\n\n/.exec(text);
    expect(Number(hello?.[1])).toBeGreaterThanOrEqual(1000);
    const cursor = expect.stringMatching(/^[a-z0-9]+\.([a-z]{3})?\d+-\d+$/);
    const data = {
      chattera: 1,
      protocol: 2,
      retry: Number(hello?.[1]),
      ping: 15_000,
      cursor,
      heads: { lobby: 2 },
      n: "abc",
    };
    expect(JSON.parse(hello?.[2] as string)).toEqual(data);
    expect(JSON.parse(hello?.[2] as string).cursor).toBe(hello?.[3]);
    expect(took).toBeGreaterThan(300);
    expect(took).toBeLessThan(1500);
  });

  test("puts data before id, in one write, and sends no block without data", async () => {
    const { text, parts } = await readUntil("/api/events?room=lobby", /"text":"lines"[^\n]*\nid: .*\n\n/, () =>
      say(site.url, ann, "lines"),
    );
    const blocks = text.split("\n\n").slice(0, -1);
    for (const block of blocks) expect(block).toMatch(BLOCK);
    expect(parts.filter((part) => part.startsWith("data: ")).every((part) => part.endsWith("\n\n"))).toBe(true);
    expect(text).not.toMatch(/[<>&]/);
  });

  test("has no blocks for padding or comments, and pads inside the first one on request", async () => {
    const plain = await readUntil("/api/events?room=lobby&padding=1&evs_preamble=1", /ping/);
    expect(plain.text).toMatch(/^event: hello\n/);
    const padded = await readUntil("/api/events?room=lobby&pad=1", /ping/);
    expect(padded.text).toMatch(/^: {2048}\nevent: hello\n/);
  });

  test("pings at the requested interval, with the cursor of what was sent", async () => {
    const { text } = await readUntil("/api/events?room=lobby&ping=2", /(event: ping\n.*\n\n[\s\S]*){2}/);
    expect(text).toContain('"ping":2000');
    const [first] = [...text.matchAll(/event: ping\ndata: (.*)\n/g)].map((match) => JSON.parse(match[1] as string));
    expect(first).toEqual({ cursor: expect.any(String), heads: { lobby: expect.any(Number) } });
    // At the usual interval the second would arrive after 8 s or more.
  }, 7_000);

  test("answers HEAD", async () => {
    const { headers } = await request(site.url).head("/api/events?room=lobby").expect(200);
    expect(headers["content-type"]).toBe("text/event-stream; charset=utf-8");
  });

  test("refuses impossible requests with the right status", async () => {
    const codes = async (path: string) => (await request(site.url).get(path)).body.code;
    expect(await codes("/api/events?room=nowhere")).toBe("no_such_room");
    expect(await codes("/api/events")).toBe("malformed");
    expect(await codes(`/api/events?${Array.from({ length: 9 }, (_, n) => `room=r${n}`).join("&")}`)).toBe("malformed");
    expect(await codes("/api/events?room=lobby&ping=x")).toBe("malformed");
    expect(await codes("/api/events?room=lobby&n=%0a")).toBe("malformed");
  });

  test("gets 200 and a `bye` with a retry when the node is full or draining", async () => {
    const node = await openNode(site.databaseUrl, { readersMax: 1 });
    const first = await new Promise<IncomingMessage>((resolve) =>
      get(`${node.url}/api/events?room=lobby`, { agent: false }, resolve),
    );
    await new Promise((resolve) => first.once("data", resolve));
    const full = await request(node.url).get("/api/events?room=lobby").buffer(true).parse(asText);
    expect([full.status, full.body]).toEqual([
      200,
      expect.stringMatching(/^event: bye\nretry: \d{4,}\ndata: \{"retry":\d{4,},"reason":"full"\}\n\n$/),
    ]);
    const rest = asEnded(first);
    node.app.drain();
    expect(await rest).toMatch(/event: bye\nretry: \d{4,}\ndata: /);
    const going = await request(node.url).get("/api/events?room=lobby").buffer(true).parse(asText);
    expect([going.status, going.body]).toEqual([200, expect.stringContaining("event: bye")]);
    await node.close();
  });

  test("that was being opened when the others were sent away is sent away too", async () => {
    const node = await openNode(site.databaseUrl);
    await request(site.url).post("/api/rooms").send({ slug: "late" }).expect(201);
    // The room is looked up after the check whether the node is draining.
    node.app.site.db.on("query", ({ sql }) => {
      if (/from rooms where slug/.test(sql)) node.app.drain();
    });
    const going = await request(node.url).get("/api/events?room=late").buffer(true).parse(asText);
    expect(going.body).toMatch(/^event: bye\n/);
    expect(node.app.site.hub.readers.size).toBe(0);
    await node.close();
  });

  test("has the cursor of a reset as its id, for all rooms", async () => {
    await request(site.url).post("/api/rooms").send({ slug: "second" }).expect(201);
    const path = "/api/events?room=lobby&room=second&after=zzzz.1-1";
    const { text } = await readUntil(path, /event: ping\n.*\n\n/);
    const resets = [...text.matchAll(/event: reset\ndata: (.*)\nid: (.*)\n\n/g)];
    expect(resets.map(([, data = "", id]) => [JSON.parse(data).room, JSON.parse(data).cursor === id])).toEqual([
      ["lobby", true],
      ["second", true],
    ]);
    const again = await readUntil(`/api/events?room=lobby&room=second&after=${resets[0]?.[2]}`, /event: ping\n/);
    expect(again.text).not.toContain("event: reset");
  });

  test("continues an EventSource whose URL has a cursor that was reset, at each reconnect", async () => {
    const { cursor } = await say(site.url, ann, "the newest");
    const future = cursor.replace(/\d+$/, (seq) => String(Number(seq) + 1000));
    const url = { room: "lobby", after: future };
    const first = await openStream(site.url, url);
    expect(first.cursor()).toBe(cursor);
    await first.close();
    await say(site.url, ann, "missed");
    const second = await openStream(site.url, { ...url, lastEventId: first.cursor() });
    expect(await second.events(1)).toMatchObject([{ text: "missed" }]);
    await second.close();
  });

  test("delivers each message once to a browser's EventSource, even over a cut", async () => {
    const node = await openNode(site.databaseUrl);
    const source = new EventSource(`${node.url}/api/events?room=lobby`);
    const texts: string[] = [];
    let wake: () => void = () => undefined;
    source.onmessage = ({ data }) => {
      texts.push(JSON.parse(data).text);
      wake();
    };
    await new Promise((resolve) => source.addEventListener("hello", resolve, { once: true }));
    await say(site.url, ann, "before the cut");
    while (texts.length < 1)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    node.server.closeAllConnections();
    await say(site.url, ann, "while away");
    await say(site.url, ann, "while away too");
    while (texts.length < 3)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    expect(texts).toEqual(["before the cut", "while away", "while away too"]);
    source.close();
    await node.close();
  });
});

describe("a poll", () => {
  test("is answered as soon as a message is sent, with the mark, the nonce and the figures", async () => {
    const { cursor } = await say(site.url, ann, "now");
    const waiting = request(site.url)
      .get(`/api/poll?room=lobby&after=${cursor}&wait=20&n=q7`)
      .then((answer) => answer.body);
    await untilReaders(1);
    const { event, cursor: behind } = await say(site.url, ann, "later");
    expect(await waiting).toEqual({
      chattera: 1,
      n: "q7",
      events: [event],
      signals: expect.any(Array),
      cursor: behind,
    });
  });

  test("is answered empty when its time is up, and at once if it does not wait", async () => {
    const { cursor } = await say(site.url, ann, "quiet");
    for (const wait of [0, 1]) {
      const askedAt = performance.now();
      const { body } = await request(site.url).get(`/api/poll?room=lobby&after=${cursor}&wait=${wait}`).expect(200);
      expect([body.events, body.cursor]).toEqual([[], cursor]);
      expect(performance.now() - askedAt > 950).toBe(wait === 1);
    }
  });

  test("may come by POST, and in the path, and as a script", async () => {
    const { cursor } = await say(site.url, ann, "start");
    const { event } = await say(site.url, ann, "end");
    const post = await request(site.url).post("/api/poll").send({ room: "lobby", after: cursor, wait: 0 }).expect(200);
    const form = await request(site.url)
      .post("/api/poll")
      .type("form")
      .send({ room: "lobby", after: cursor, wait: 0 })
      .expect(200);
    const path = await request(site.url).get(`/api/poll;room=lobby;after=${cursor};wait=0`).expect(200);
    const twice = await request(site.url).post("/api/poll").type("form").send(`room=lobby&room=nowhere&wait=0`);
    expect(twice.status).toBe(404);
    for (const { body } of [post, form, path]) expect(body.events).toEqual([event]);
    const script = await request(site.url)
      .get(`/api/poll?room=lobby&after=${cursor}&wait=0&callback=cb`)
      .buffer(true)
      .parse(asText);
    expect(script.body).toMatch(/^\/\*\*\/cb\(\{"chattera":1,"protocol":2,"events":\[\{.*\}\);$/);
  });

  test.each(["a-b", "1a", "a.b.c.d.e", "alert(1)//", "a b", "あ", "x".repeat(65)])(
    "is not answered as a script to %j",
    async (callback) => {
      const answer = await request(site.url).get(
        `/api/poll?room=lobby&wait=0&callback=${encodeURIComponent(callback)}`,
      );
      expect([answer.status, answer.type]).toEqual([400, "application/problem+json"]);
    },
  );

  test("leaves nothing behind when its client disconnects", async () => {
    const { cursor } = await say(site.url, ann, "gone");
    const waiting = get(`${site.url}/api/poll?room=lobby&after=${cursor}&wait=50`);
    waiting.on("error", () => undefined);
    await untilReaders(1);
    waiting.destroy();
    await untilReaders(0);
  });
});

test.each(["events", "poll"])(
  "/api/%s leaves nothing behind if its client disconnects before the room is found",
  async (way) => {
    const { hub } = site.node.app.site;
    const open = hub.rooms.open.bind(hub.rooms);
    const gone = new Promise((resolve) =>
      site.node.server.once("connection", (socket) => socket.once("close", resolve)),
    );
    const found = new Promise<void>((resolve) => {
      hub.rooms.open = async (slugs) => {
        waiting.destroy();
        await gone;
        setImmediate(resolve);
        return open(slugs);
      };
    });
    const waiting = get(`${site.url}/api/${way}?room=lobby&wait=50`, { agent: false });
    waiting.on("error", () => undefined);
    await found;
    hub.rooms.open = open;
    await untilReaders(0);
    expect(hub.slots.size).toBe(0);
  },
);

test("this Node has the inner parts that the fast path needs", () => {
  expect(HAS_FAST_PATH).toBe(true);
});

/** Waits until the node has `count` readers. */
async function untilReaders(count: number): Promise<void> {
  const { hub } = site.node.app.site;
  await until(`the hub has ${count} readers`, () => hub.readers.size === count);
}

async function asEnded(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of response.setEncoding("utf8")) text += part;
  return text;
}

function asText(response: request.Response, done: (error: Error | null, body: string) => void): void {
  asEnded(response as unknown as IncomingMessage).then(
    (text) => done(null, text),
    (error) => done(error, ""),
  );
}
