import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { until } from "../support/until.ts";
import { cache } from "./rig/cache.ts";
import { closeAfterEach, cutAfter, cutEndlessAfter, jitter, speakOldHttp } from "./rig/cut.ts";
import { holdBlocks, holdFirst, holdWhole, onePieceLate } from "./rig/hold.ts";
import { atFirst, incidentOf, nowAndThen } from "./rig/incident.ts";
import type { Running } from "./rig/network.ts";
import { NETWORKS } from "./rig/networks.ts";
import { type Misbehaviour, openProxy, openTranslator } from "./rig/proxy.ts";
import { atMost } from "./rig/queue.ts";
import {
  callStreamsPages,
  isJson,
  isNeitherGetNorPost,
  isPost,
  refuse,
  refuseNowAndThen,
  refuseStreams,
  showLoginPage,
} from "./rig/refuse.ts";
import { repeatPosts } from "./rig/repeat.ts";
import {
  callSuccess200,
  delayUploads,
  encodePath,
  endEarly,
  flushEvery,
  hasParams,
  inSmallPieces,
  insertScripts,
  isBodyLonger,
  isUrlLonger,
  markTexts,
  scanAgain,
  stripParams,
  swallowPosts,
} from "./rig/rewrite.ts";
import { openSource, type Received, receive, type SourceRequest, type TestSource } from "./rig/source.ts";
import { strip, stripQuery, withoutQuery } from "./rig/strip.ts";
import {
  forgetIdle,
  forgetOld,
  loseNowAndThen,
  move,
  openWire,
  resetAtRandom,
  type Strand,
  slowDownlink,
  slowUplink,
} from "./rig/wire.ts";

// A network that does not misbehave would prove nothing, so each one is tested here.

const SECOND = 1_000;

let source: TestSource;
const open: Running[] = [];

beforeAll(async () => {
  source = await openSource();
});

afterAll(async () => {
  for (const { close } of open) await close();
  await source.close();
});

async function behind(...misbehaviours: Misbehaviour[]): Promise<string> {
  const proxy = await openProxy(source.url, ...misbehaviours);
  open.push(proxy);
  return proxy.url;
}

async function overWire(befall: (strand: Strand) => void, most?: number): Promise<string> {
  const wire = await openWire(source.url, befall, most);
  open.push(wire);
  return wire.url;
}

/** Returns both ends of a stream through a network. */
async function streamed(url: string): Promise<{ received: Received; stream: ServerResponse }> {
  const received = receive(`${url}/stream`);
  return { received, stream: await source.stream() };
}

/** Waits for three round trips, after which everything that should have arrived has arrived. */
async function roundTrips(url: string): Promise<void> {
  for (let n = 0; n < 3; n += 1) await ask(url);
}

async function ask(url: string, init: RequestInit = {}): Promise<SourceRequest & { number: number }> {
  return (await (await fetch(`${url}/echo`, init)).json()) as SourceRequest & { number: number };
}

const post = (url: string, body = "{}", type = "application/json") =>
  fetch(`${url}/echo`, { method: "POST", body, headers: { "content-type": type } });

test("a proxy without misbehavior passes everything on at once, byte for byte", async () => {
  const url = await behind();
  const { received, stream } = await streamed(url);
  await until("the headers have arrived", () => received.status === 200);
  stream.write("one");
  await until("the first piece is there", () => received.text === "one");
  stream.end("two");
  await until("the end is there", () => received.end === "whole");
  expect(received.text).toBe("onetwo");
  const echo = await (await fetch(`${url}/a;b=c?d=%2Fe`, { method: "POST", body: "ü" })).json();
  expect(echo).toMatchObject({ method: "POST", url: "/a;b=c?d=%2Fe", body: "ü" });
});

test("a proxy closes its connection to the site when the client disconnects", async () => {
  const { received, stream } = await streamed(await behind(holdWhole));
  received.leave();
  await until("the site's stream is closed", () => stream.destroyed);
});

describe("holding:", () => {
  test("a held answer arrives at its end, with its headers", async () => {
    const url = await behind(holdWhole);
    const { received, stream } = await streamed(url);
    stream.write("x".repeat(100_000));
    await roundTrips(url);
    expect(received.status).toBeUndefined();
    stream.end();
    await until("it is there", () => received.end === "whole");
    expect(received.text).toHaveLength(100_000);
  });

  test("the first bytes are held, with the headers, and the rest passes", async () => {
    const url = await behind(holdFirst(4096));
    const { received, stream } = await streamed(url);
    stream.write("x".repeat(4095));
    await roundTrips(url);
    expect(received.status).toBeUndefined();
    stream.write("y");
    await until("the first are there", () => received.text.length === 4096);
    stream.write("z");
    await until("the next is there", () => received.text.length === 4097);
    received.leave();
  });

  test("a block arrives when it is full, or at the end", async () => {
    const url = await behind(holdBlocks(4096));
    const { received, stream } = await streamed(url);
    stream.write("x".repeat(5000));
    await until("the first block is there", () => received.text.length === 4096);
    await roundTrips(url);
    expect(received.text).toHaveLength(4096);
    stream.end();
    await until("the rest is there", () => received.text.length === 5000);
  });

  test("each piece arrives with the next one", async () => {
    const url = await behind(onePieceLate);
    const { received, stream } = await streamed(url);
    stream.write("one");
    await roundTrips(url);
    expect(received).toMatchObject({ status: 200, text: "" });
    stream.write("two");
    await until("the first is there", () => received.text === "one");
    stream.end();
    await until("the last is there", () => received.text === "onetwo");
  });
});

describe("cutting:", () => {
  test("a connection is broken after its time, whether its answer has begun or not", async () => {
    const url = await behind(cutAfter(SECOND));
    const { received, stream } = await streamed(url);
    stream.write("one");
    await until("the answer is broken", () => received.end === "broken");
    expect(received.text).toBe("one");
    const silent = receive(`${url}/silent`);
    await until("the silence is broken", () => silent.end === "broken");
    expect(silent.status).toBeUndefined();
  });

  test("only an answer without a Content-Length is broken after its bytes", async () => {
    const url = await behind(cutEndlessAfter(1000));
    const { received, stream } = await streamed(url);
    stream.write("x".repeat(999));
    await until("those before the limit are there", () => received.text.length === 999);
    stream.write("xyz");
    await until("the answer is broken", () => received.end === "broken");
    expect(received.text).toHaveLength(1000);
    expect(await (await post(url, "x".repeat(2000), "text/plain")).json()).toMatchObject({ method: "POST" });
  });

  test("each answer closes its connection", async () => {
    const received = receive(`${await behind(closeAfterEach)}/echo`);
    await until("it is there", () => received.end === "whole");
    expect(received.headers.connection).toBe("close");
  });

  test("HTTP/1.0 has no chunks and ends with the connection", async () => {
    const url = await behind(speakOldHttp);
    const { received, stream } = await streamed(url);
    stream.write("one");
    await until("it passes", () => received.text === "one");
    expect(received).toMatchObject({ version: "1.0", headers: { connection: "close" } });
    expect(received.headers["transfer-encoding"]).toBeUndefined();
    stream.end();
    await until("it ends", () => received.end !== undefined);
    expect(await ask(url)).toMatchObject({ url: "/echo" });
  });

  test("requests overtake each other, pieces of an answer do not", async () => {
    const url = await behind(jitter(100));
    const from = source.requests.length;
    await Promise.all(Array.from({ length: 20 }, (_, n) => fetch(`${url}/echo/${n}`)));
    const order = source.requests.slice(from).map((request) => Number(request.url.split("/")[2]));
    expect(order).not.toEqual(order.toSorted((a, b) => a - b));
    const { received, stream } = await streamed(url);
    for (const piece of ["1", "2", "3", "4"]) stream.write(piece);
    stream.end();
    await until("all is there", () => received.end === "whole");
    expect(received.text).toBe("1234");
  });

  test("the third request at a time waits until another one ends", async () => {
    const url = await behind(atMost(2));
    const first = await streamed(url);
    const second = await streamed(url);
    const third = receive(`${url}/echo`);
    first.stream.write("one");
    await until("the first passes", () => first.received.text === "one");
    expect(third.status).toBeUndefined();
    second.received.leave();
    await until("the third has its answer", () => third.end === "whole");
    first.received.leave();
  });
});

describe("connections:", () => {
  test("idle ones are forgotten silently, busy ones are not", async () => {
    const url = await overWire(forgetIdle(SECOND));
    const idle = await streamed(url);
    const busy = await streamed(url);
    const begun = performance.now();
    for (let pieces = 1; performance.now() - begun < 2 * SECOND; pieces += 1) {
      busy.stream.write(".");
      await until("a piece is there", () => busy.received.text.length === pieces);
    }
    idle.stream.write("lost");
    await roundTrips(url);
    expect(idle.received).toMatchObject({ status: 200, text: "" });
    expect(idle.received.end).toBeUndefined();
    for (const { received } of [idle, busy]) received.leave();
  });

  test("old ones are forgotten silently, new ones work", async () => {
    const url = await overWire(forgetOld(SECOND));
    const begun = performance.now();
    const { received, stream } = await streamed(url);
    stream.write("one");
    await until("it is old", () => performance.now() - begun > 1.5 * SECOND);
    expect(received.text).toBe("one");
    stream.write("two");
    expect(await ask(url)).toMatchObject({ url: "/echo" });
    await roundTrips(url);
    expect(received.text).toBe("one");
    expect(received.end).toBeUndefined();
    received.leave();
  });

  test("further ones wait until one is closed", async () => {
    const url = await overWire(() => {}, 2);
    const [one, two] = [await streamed(url), await streamed(url)];
    const third = receive(`${url}/stream`);
    one.stream.write("one");
    await until("the first is served", () => one.received.text === "one");
    expect(third.status).toBeUndefined();
    two.received.leave();
    const stream = await source.stream();
    stream.write("three");
    await until("the third is served", () => third.text === "three");
  });

  test("a slow uplink delays requests by their size, and answers not at all", async () => {
    const url = await overWire(slowUplink(10_000));
    const begun = performance.now();
    await post(url, "x".repeat(5_000));
    expect(performance.now() - begun).toBeGreaterThan(500);
  });

  test("pieces of a connection are delayed, and do not overtake each other", async () => {
    const url = await overWire(loseNowAndThen(50, 150));
    const begun = performance.now();
    const { received, stream } = await streamed(url);
    for (let n = 0; n < 10; n += 1) stream.write(`${n}`);
    // By chance, several pieces are 2.5 s late.
    await until("all are there", () => received.text === "0123456789", 15_000);
    expect(performance.now() - begun).toBeGreaterThan(100);
    received.leave();
  }, 20_000);

  test("one that moves lets nothing through for two seconds of eight", async () => {
    const url = await overWire(move);
    const waits: number[] = [];
    for (const until = Date.now() + 9 * SECOND; Date.now() < until; ) {
      const begun = performance.now();
      await ask(url);
      waits.push(performance.now() - begun);
    }
    expect(Math.max(...waits)).toBeGreaterThan(SECOND);
  }, 20_000);

  test("each one is reset at a random age", async () => {
    const { received } = await streamed(await overWire(resetAtRandom(50, 200)));
    await until("it is broken", () => received.end === "broken");
  });
});

describe("stripping:", () => {
  test("only the named headers are removed, in both directions", async () => {
    const url = await behind(strip("authorization", "cookie", "set-cookie", "cache-control"));
    const response = await fetch(`${url}/echo`, { headers: { authorization: "me", cookie: "a=b", "x-other": "1" } });
    const { headers } = (await response.json()) as SourceRequest;
    expect(headers.authorization).toBeUndefined();
    expect(headers.cookie).toBeUndefined();
    expect(headers["x-other"]).toBe("1");
    expect(response.headers.get("cache-control")).toBeNull();
    expect(response.headers.get("set-cookie")).toBeNull();
  });

  test("the query is removed, parameters in the path are not", async () => {
    const response = await fetch(`${await behind(stripQuery)}/echo;a=b?c=d`);
    expect(await response.json()).toMatchObject({ url: "/echo;a=b" });
  });
});

describe("refusing:", () => {
  test.each([
    ["other methods", refuse(405, isNeitherGetNorPost), { method: "DELETE" }, 405],
    ["JSON", refuse(403, isJson), { method: "POST", body: "{}", headers: { "content-type": "application/json" } }, 403],
    ["POST", refuse(403, isPost), { method: "POST", body: "a=b" }, 403],
  ])("%s is answered with a page, GET passes", async (...[, misbehave, init, status]) => {
    const url = await behind(misbehave);
    const from = source.requests.length;
    const response = await fetch(`${url}/echo`, init);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toContain("text/html");
    expect(source.requests).toHaveLength(from);
    expect(await ask(url)).toMatchObject({ method: "GET" });
  });

  test("a form passes where JSON is refused", async () => {
    expect((await post(await behind(refuse(403, isJson)), "a=b", "application/x-www-form-urlencoded")).status).toBe(
      200,
    );
  });

  test("event streams are refused or relabeled as pages, other streams pass", async () => {
    const refused = receive(`${await behind(refuseStreams(406))}/stream`);
    await until("it is there", () => refused.end === "whole");
    expect(refused.status).toBe(406);
    await source.stream();
    const { received } = await streamed(await behind(callStreamsPages));
    await until("the headers have arrived", () => received.status === 200);
    expect(received.headers["content-type"]).toContain("text/html");
    received.leave();
    const bytes = await openSource("application/octet-stream");
    const proxy = await openProxy(bytes.url, refuseStreams(406));
    open.push(proxy);
    const stream = receive(`${proxy.url}/stream`);
    await until("bytes pass", () => stream.status === 200);
    stream.leave();
    await bytes.close();
  });

  test("every nth request is refused, with each status in turn", async () => {
    const url = await behind(refuseNowAndThen(3, 502, 503));
    const statuses: number[] = [];
    for (let n = 0; n < 9; n += 1) statuses.push((await fetch(`${url}/echo`)).status);
    expect(statuses).toEqual([200, 200, 503, 200, 200, 502, 200, 200, 503]);
  });
});

describe("incidents:", () => {
  test("a login page replaces everything during the incident only", async () => {
    const incident = incidentOf(1.5 * SECOND, showLoginPage);
    const url = await behind(incident.misbehave);
    expect(await ask(url)).toMatchObject({ url: "/echo" });
    const over = incident.strike();
    expect(await (await post(url)).text()).toContain("log in");
    await over;
    expect(await ask(url)).toMatchObject({ url: "/echo" });
  });

  test("another one replaces everything for a while from the first request on", async () => {
    const url = await behind(atFirst(1.5 * SECOND, showLoginPage));
    expect((await fetch(`${url}/echo`)).headers.get("content-type")).toContain("text/html");
    await until("it is gone", async () => (await fetch(`${url}/echo`)).headers.get("content-type")?.includes("json"));
  });
});

describe("caching and repeating:", () => {
  test("a GET is answered from the cache in spite of no-store; a POST and another query are not", async () => {
    const url = await behind(cache(10_000, ({ path }) => path));
    const { number } = await ask(url);
    expect((await ask(url)).number).toBe(number);
    expect(((await (await post(url)).json()) as { number: number }).number).not.toBe(number);
    expect(((await (await fetch(`${url}/echo?n=1`)).json()) as { number: number }).number).not.toBe(number);
  });

  test("another cache compares paths only", async () => {
    const url = await behind(cache(10_000, withoutQuery));
    const { number } = await ask(url);
    expect(((await (await fetch(`${url}/echo?n=1`)).json()) as { number: number }).number).toBe(number);
    expect(((await (await fetch(`${url}/echo;n=1`)).json()) as { number: number }).number).not.toBe(number);
  });

  test("a POST reaches the site twice", async () => {
    const from = source.requests.length;
    await post(await behind(repeatPosts), "once");
    await until("both are there", () => source.requests.length === from + 2);
    expect(source.requests.slice(from).map(({ body }) => body)).toEqual(["once", "once"]);
  });
});

describe("rewriting:", () => {
  test.each([
    ["are removed", stripParams, "/echo?e=f"],
    ["are encoded", encodePath, "/echo%3Ba%3Db%7E?e=f"],
  ])("parameters in the path %s, the query is not", async (_, misbehave, expected) => {
    const response = await fetch(`${await behind(misbehave)}/echo;a=b~?e=f`);
    expect(await response.json()).toMatchObject({ url: expected });
  });

  test.each([
    ["paths with parameters", hasParams, "/echo;a=b", ""],
    ["long URLs", isUrlLonger(20), "/echo?aaaaaaaaaaaaaaaaaaaa", ""],
    ["long bodies", isBodyLonger(20), "/echo", "x".repeat(21)],
  ])("%s are refused, others pass", async (...[, isBad, path, body]) => {
    const url = await behind(refuse(403, isBad));
    const init = body === "" ? {} : { method: "POST", body };
    expect((await fetch(url + path, init)).status).toBe(403);
    expect((await post(url)).status).toBe(200);
  });

  test("a POST is passed on late, and another one is never answered", async () => {
    const late = await behind(delayUploads(300));
    const begun = performance.now();
    await post(late);
    expect(performance.now() - begun).toBeGreaterThan(290);
    const url = await behind(swallowPosts);
    const from = source.requests.length;
    const lost = fetch(`${url}/echo`, { method: "POST", signal: AbortSignal.timeout(300) });
    await expect(lost).rejects.toThrow("timeout");
    expect(source.requests).toHaveLength(from);
    expect(await ask(url)).toMatchObject({ method: "GET" });
  });

  test("answers come in small pieces, or once in a while, and whole", async () => {
    const small = await streamed(await behind(inSmallPieces(2)));
    small.stream.end("12345");
    await until("it is whole", () => small.received.end === "whole");
    const seldom = await streamed(await behind(flushEvery(300)));
    seldom.stream.write("123");
    await until("the first are there", () => seldom.received.text === "123");
    seldom.stream.end("45");
    await until("it is whole", () => seldom.received.end === "whole");
    expect([small.received.text, seldom.received.text]).toEqual(["12345", "12345"]);
  });

  test("texts get a byte order mark, and pages a script", async () => {
    const marked = await (await fetch(`${await behind(markTexts)}/echo`)).arrayBuffer();
    expect([...new Uint8Array(marked).slice(0, 4)]).toEqual([0xef, 0xbb, 0xbf, "{".charCodeAt(0)]);
    const pages = await openSource("text/html");
    const proxy = await openProxy(pages.url, insertScripts);
    open.push(proxy);
    const page = receive(`${proxy.url}/stream`);
    (await pages.stream()).end("<html><head><title>a</title></head></html>");
    await until("it is whole", () => page.end === "whole");
    expect(page.text).toContain("<head><script>");
    await pages.close();
  });

  test("a stream ends early as if it were whole, and an answer with a length does not", async () => {
    const url = await behind(endEarly(10));
    const { received, stream } = await streamed(url);
    stream.write("0123456789abc");
    await until("it has ended", () => received.end === "whole");
    expect(received.text).toBe("0123456789");
    expect(await ask(url)).toMatchObject({ method: "GET" });
  });

  test("a URL is requested again without cookies", async () => {
    const from = source.requests.length;
    await fetch(`${await behind(scanAgain(50))}/echo`, { headers: { cookie: "a=b" } });
    await until("both are there", () => source.requests.length === from + 2);
    expect(source.requests.slice(from).map(({ headers }) => headers.cookie)).toEqual(["a=b", undefined]);
  });

  test("another success becomes 200, and every nth request gets a login page", async () => {
    const created: Misbehaviour = async (asked, pass) => ({ ...(await pass(asked)), status: 201 });
    expect((await fetch(`${await behind(callSuccess200, created)}/echo`)).status).toBe(200);
    const url = await behind(nowAndThen(2, showLoginPage));
    expect(await ask(url)).toMatchObject({ method: "GET" });
    expect(await (await fetch(`${url}/echo`)).text()).toContain("log in");
  });

  test("a slow downlink delays answers by their size", async () => {
    const url = await overWire(slowDownlink(10_000));
    const begun = performance.now();
    await (await post(url, "x".repeat(5_000))).text();
    expect(performance.now() - begun).toBeGreaterThan(400);
  });
});

test("a translator uses the absolute form at a forward proxy, with the site's name", async () => {
  const translator = await openTranslator("http://site.test", source.url);
  open.push(translator);
  const echo = await ask(translator.url, { headers: { origin: translator.url } });
  expect(echo).toMatchObject({
    url: "http://site.test/echo",
    headers: { host: "site.test", origin: "http://site.test" },
  });
});

test("no two networks have the same name", () => {
  expect(new Set(NETWORKS.map(({ name }) => name)).size).toBe(NETWORKS.length);
});
