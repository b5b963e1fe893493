import { get, type IncomingMessage } from "node:http";
import { createContext, runInContext } from "node:vm";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { createParser } from "eventsource-parser";
import request from "supertest";
import { openNode, person, say, type TestPerson } from "../support/app.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();
let ann: TestPerson;

beforeAll(async () => {
  ann = await person(site.url, "Ann");
  await say(site.url, ann, "premise");
});

/** Opens a stream. `parts` are its chunks in the order of arrival. */
async function open(path: string, at = site.url) {
  const response = await new Promise<IncomingMessage>((resolve) => get(`${at}${path}`, { agent: false }, resolve));
  const parts: string[] = [];
  response.setEncoding("utf8").on("data", (part) => parts.push(part));
  let isOver = false;
  response.on("end", () => {
    isOver = true;
  });
  response.on("error", () => undefined);
  const text = () => parts.join("");
  return {
    response,
    parts,
    text,
    has: (pattern: RegExp) => until(`${pattern} arrives`, () => pattern.test(text())),
    isOver: () => isOver,
    ended: () => until("the end", () => isOver),
    close: () => response.destroy(),
  };
}

const PING = /event: ping|\("ping"/;

/** Creates a backlog of about 80 KB. Returns the cursor before it. */
async function backlog(room: string): Promise<string> {
  await request(site.url).post("/api/rooms").send({ slug: room }).expect(201);
  const { cursor } = await say(site.url, ann, { text: "before", room });
  for (let n = 0; n < 40; n += 1) await say(site.url, ann, { text: "x".repeat(1900), room });
  return cursor;
}

describe("a byte stream", () => {
  test("has the frames of an event stream under a neutral type", async () => {
    const stream = await open("/api/stream?room=lobby&n=abc");
    await say(site.url, ann, "in bytes");
    await stream.has(/in bytes/);
    expect(stream.response.headers).toMatchObject({
      "content-type": "application/octet-stream",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
    });
    expect(stream.text()).toMatch(/^event: hello\nretry: \d+\ndata: \{"chattera":1,.*"n":"abc"\}\nid: [a-z0-9.-]+\n\n/);
    stream.close();
  });

  test("is padded on request, and answers HEAD", async () => {
    const stream = await open("/api/stream?room=lobby&pad=1");
    await stream.has(PING);
    expect(stream.text()).toMatch(/^: {2048}\nevent: hello\n/);
    stream.close();
    const { headers } = await request(site.url).head("/api/stream?room=lobby").expect(200);
    expect(headers["content-type"]).toBe("application/octet-stream");
  });

  test.each([
    ["JSON", "application/json", JSON.stringify],
    ["a form", "application/x-www-form-urlencoded", (fields: object) => String(new URLSearchParams({ ...fields }))],
    ["JSON as text", "text/plain", JSON.stringify],
  ])("may be asked for by POST of %s, also with a cookie and no proof of where from", async (_, type, encode) => {
    const done = new AbortController();
    const response = await fetch(`${site.url}/api/stream`, {
      method: "POST",
      headers: { "content-type": type, cookie: ann.cookie },
      body: encode({ room: "lobby", n: "in-the-body" }),
      signal: done.signal,
    });
    expect(response.status).toBe(200);
    for await (const hello of response.body as ReadableStream<Uint8Array>) {
      expect(Buffer.from(hello).toString()).toContain('"n":"in-the-body"');
      break;
    }
    done.abort();
  });

  test("ends after the event that reaches the requested size, with a `bye`", async () => {
    const after = await backlog("long");
    const stream = await open(`/api/stream?room=long&after=${after}&max=16384`);
    await stream.ended();
    expect(stream.text().length).toBeGreaterThan(16_384);
    const names: unknown[] = [];
    const parser = createParser({ onEvent: ({ event, data }) => names.push(event ?? JSON.parse(data).kind) });
    parser.feed(stream.text());
    // The room's figures come between them if they are known by then.
    const withoutFigures = names.filter((name) => name !== "members");
    expect(withoutFigures).toEqual(["hello", ...withoutFigures.slice(1, -1).map(() => "message"), "bye"]);
    expect(stream.text()).toMatch(/\n\nevent: bye\nretry: 0\ndata: \{"retry":0\}\n\n$/);
    const { hub } = site.node.app.site;
    await until("nobody reads", () => hub.readers.size === 0);
  });

  test("sends 128 KiB unless 16 KiB to 64 MiB are requested", async () => {
    const after = await backlog("longer");
    const usual = await open(`/api/stream?room=longer&after=${after}`);
    const little = await open(`/api/stream?room=longer&max=16384`);
    const much = await open(`/api/stream?room=longer&after=${after}&max=${64 * 1024 * 1024}`);
    await usual.has(PING);
    await little.has(PING);
    expect([usual.text().length > 64 * 1024, usual.isOver(), little.isOver()]).toEqual([true, false, false]);
    for (let n = 0; n < 30; n += 1) await say(site.url, ann, { text: "y".repeat(1900), room: "longer" });
    await usual.ended();
    await little.ended();
    expect(usual.text().length).toBeGreaterThanOrEqual(128 * 1024);
    expect(usual.text().length).toBeLessThan(160 * 1024);
    expect(little.text().length).toBeGreaterThanOrEqual(16 * 1024);
    const { event } = await say(site.url, ann, { text: "the last", room: "longer" });
    await much.has(new RegExp(`"seq":${event.seq},`));
    expect(much.isOver()).toBe(false);
    much.close();
  });
});

describe("a frame", () => {
  const FRAME = "/api/frame?room=lobby&callback=parent.take";

  test("is a page of scripts, the only one with inline scripts, for frames of this site only", async () => {
    const frame = await open(FRAME);
    await say(site.url, ann, "</script><b>");
    await frame.has(/u003cb/);
    expect(frame.response.headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": "default-src 'none';script-src 'unsafe-inline';frame-ancestors 'self'",
      "x-content-type-options": "nosniff",
      "x-accel-buffering": "no",
    });
    expect(frame.text()).toMatch(/^<!doctype html>/);
    expect(frame.text().indexOf('"hello"')).toBeGreaterThan(2048);
    expect(frame.text()).toMatch(
      /<script>chattera\("message",\{"room":.*\\u003c\/script\\u003e\\u003cb\\u003e.*\},"[a-z0-9.-]+"\)<\/script>\n/,
    );
    frame.close();
  });

  test("calls nothing outside a frame, where the callback could reach the page that opened it", async () => {
    const frame = await open("/api/frame?room=lobby&callback=opener.take");
    await frame.has(PING);
    frame.close();
    const run = (parent: object | undefined) => {
      const calls: string[] = [];
      const page = createContext({ opener: { take: (name: string) => calls.push(name) } });
      Object.assign(page, { window: page, parent: parent ?? page });
      for (const [, script] of frame.text().matchAll(/<script>(.*?)<\/script>/g)) runInContext(script as string, page);
      return calls;
    };
    expect(run({})).toEqual(expect.arrayContaining(["hello", "ping"]));
    expect(run(undefined)).toEqual([]);
  });

  test("ends with a `bye` when it reaches the requested size", async () => {
    const after = await backlog("framed");
    const frame = await open(`${FRAME.replace("lobby", "framed")}&after=${after}&max=16384`);
    await frame.ended();
    expect(frame.text()).toMatch(/<\/script>\n<script>chattera\("bye",\{"retry":0\},""\)<\/script>\n$/);
  });

  test.each(["", "&callback=", "&callback=a-b", "&callback=alert(1)//", "&callback=a.b.c.d.e", "&callback=%3Cb%3E"])(
    "is refused with a safe page for %j",
    async (callback) => {
      const { status, type, text } = await request(site.url).get(`/api/frame?room=lobby${callback}`);
      expect([status, type, text.includes("alert(1)")]).toEqual([400, "text/html", false]);
    },
  );

  test("of a room that does not exist is refused with a page that may not run inline scripts", async () => {
    const { headers } = await request(site.url).get("/api/frame?room=nowhere&callback=x").expect(404);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(headers["content-security-policy"]).not.toContain("unsafe-inline");
  });

  test("answers HEAD", async () => {
    const { headers } = await request(site.url).head(FRAME).expect(200);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
  });
});

describe("on a network that passes a frame on only with the next one", () => {
  test.each([
    ["events", ":\n"],
    ["stream", ":\n"],
    ["frame", " \n"],
  ])("/api/%s pushes each frame through by a write of its own, if asked", async (way, filler) => {
    const stream = await open(`/api/${way}?room=lobby&callback=f&late=1`);
    await until("hello is pushed", () => stream.parts.at(-1) === filler);
    await stream.has(PING);
    await until("the ping is pushed", () => stream.parts.at(-1) === filler);
    await say(site.url, ann, `pushed by ${way}`);
    await stream.has(/pushed by/);
    await until("the message is pushed", () => stream.parts.at(-1) === filler);
    stream.close();
    const plain = await open(`/api/${way}?room=lobby&callback=f`);
    await plain.has(PING);
    expect(plain.parts).not.toContain(filler);
    plain.close();
  });

  test("the filler never splits a block and is no block of its own", async () => {
    const stream = await open("/api/events?room=lobby&late=1");
    for (let n = 0; n < 20; n += 1) await say(site.url, ann, `busy ${n}`);
    await stream.has(/busy 19/);
    stream.close();
    for (const block of stream.text().split("\n\n").slice(0, -1))
      expect(block).toMatch(/^(:\n)?(event: \w+\n(retry: \d+\n)?data: \S.*|data: \{.*\})(\nid: [a-z0-9.-]+)?$/);
  });
});

describe("a node that is full or draining", () => {
  test.each([
    ["stream", /^event: bye\nretry: \d{4,}\ndata: \{"retry":\d{4,},"reason":"full"\}\n\n$/],
    ["frame", /^<!doctype html>[\s\S]*<script>chattera\("bye",\{"retry":\d{4,},"reason":"full"\},""\)<\/script>\n$/],
  ])("sends /api/%s away with 200 and a `bye`, and its open ones too", async (way, goodbye) => {
    const node = await openNode(site.databaseUrl, { readersMax: 1 });
    const path = `/api/${way}?room=lobby&callback=f`;
    const first = await open(path, node.url);
    await first.has(/hello/);
    const second = await open(path, node.url);
    await second.ended();
    expect([second.response.statusCode, second.text()]).toEqual([200, expect.stringMatching(goodbye)]);
    node.app.drain();
    await first.ended();
    expect(first.text()).toMatch(/"?bye"?[\s\S]*"retry":\d{4,}/);
    await node.close();
  });
});
