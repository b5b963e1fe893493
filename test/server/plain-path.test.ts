import { createServer, type ServerResponse } from "node:http";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer as createHttp2Server,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import Koa from "koa";
import mount from "koa-mount";
import request from "supertest";
import { openStream } from "../../server/testing.ts";
import { openNode, openSite, person, say, type TestNode, type TestPerson, type TestSite } from "../support/app.ts";
import { until } from "../support/until.ts";

let site: TestSite;
let host: TestNode;
let ann: TestPerson;

beforeAll(async () => {
  site = await openSite();
  host = await openNode(site.databaseUrl, { isHosted: true });
  ann = await person(host.url, "Ann");
  await say(host.url, ann, "premise");
});

afterAll(async () => {
  await host?.close();
  await site?.close();
});

const readers = () => host.app.site.hub.readers.size;

describe("a stream in a host's app", () => {
  test("is written to the host's response, which keeps its socket", async () => {
    const responses: ServerResponse[] = [];
    const own = new Koa();
    own.use(async (ctx, next) => {
      responses.push(ctx.res);
      await next();
    });
    own.use(mount("/talk", host.app));
    const server = createServer(own.callback());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const stream = await openStream(`http://127.0.0.1:${port}/talk`, { room: "lobby" });
    await say(host.url, ann, "to the host");
    expect(await stream.events(1)).toMatchObject([{ text: "to the host" }]);
    expect(responses.map(({ socket }) => socket)).toEqual([expect.objectContaining({ destroyed: false })]);
    await stream.close();
    await until("the reader is gone", () => readers() === 0);
    server.close();
  });

  test("passes a compressor that the host has put in front of its responses", async () => {
    const own = new Koa();
    const written: string[] = [];
    own.use(async (ctx, next) => {
      const { write } = ctx.res;
      ctx.res.write = (chunk: string | Buffer, ...rest: unknown[]) => {
        written.push(chunk.toString());
        return Reflect.apply(write, ctx.res, [chunk, ...rest]);
      };
      await next();
    });
    own.use(mount(host.app));
    const stream = await openStream(own.callback(), { room: "lobby" });
    await say(host.url, ann, "compress me");
    await stream.events(1);
    expect(written.join("")).toMatch(/^event: hello\n[\s\S]*"text":"compress me"/);
    await stream.close();
  });

  test("ends with a bye when the node drains", async () => {
    const node = await openNode(site.databaseUrl, { isHosted: true });
    const stream = await openStream(node.url, { room: "lobby" });
    node.app.drain();
    expect(await stream.signal("bye")).toEqual({ retry: expect.any(Number) });
    await node.close();
  });

  test("grows as a page, answered 200", async () => {
    const response = await fetch(`${host.url}/rooms/lobby/live`);
    expect(response.status).toBe(200);
    const body = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const shows = async (part: string) => {
      while (!text.includes(part)) text += (await body?.read())?.value ?? "";
    };
    await shows("premise");
    await say(host.url, ann, "on the page");
    await shows("on the page");
    await body?.cancel();
    await until("the reader is gone", () => readers() === 0);
  });
});

describe("over HTTP/2", () => {
  let session: ClientHttp2Session;
  let server: ReturnType<typeof createHttp2Server>;

  beforeAll(async () => {
    server = createHttp2Server(host.app.callback());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });

  afterAll(() => {
    session.destroy();
    server.close();
  });

  test.each([
    ["/api/events?room=lobby", /^event: hello\n/],
    ["/api/stream?room=lobby", /^event: hello\n/],
    ["/api/frame?room=lobby&callback=parent.take", /chattera\("hello",/],
    ["/rooms/lobby/live", /<ol id="log"/],
  ])("%s begins at once and brings each message, and its reader goes with the client", async (path, begins) => {
    const stream = session.request({ ":path": path });
    const { status, shows } = read(stream);
    await shows(begins);
    expect(status()).toBe(200);
    await until("the reader is attached", () => readers() === 1);
    for (const text of ["one", "two"]) {
      await say(host.url, ann, `${text} of ${path.length}`);
      await shows(new RegExp(`${text} of ${path.length}`));
    }
    stream.close();
    await until("the reader is gone", () => readers() === 0);
  });

  test("a client that does not read is disconnected once too much is unsent, and hinders nobody", async () => {
    const stream = session.request({ ":path": "/api/events?room=lobby" });
    stream.on("error", () => undefined);
    await until("the reader is attached", () => readers() === 1);
    const text = "x".repeat(2_000);
    for (let n = 0; n < 400 && readers() > 0; n += 1) await say(host.url, ann, text);
    expect(readers()).toBe(0);
    expect((await request(host.url).get("/api/rooms/lobby")).status).toBe(200);
    stream.close();
  }, 30_000);
});

/** Reads a stream as it comes. */
function read(stream: ClientHttp2Stream): { status(): number | undefined; shows(what: RegExp): Promise<void> } {
  let text = "";
  let status: number | undefined;
  stream.on("response", (headers) => {
    status = headers[":status"];
  });
  stream.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  return { status: () => status, shows: async (what) => void (await until(`it shows ${what}`, () => what.test(text))) };
}
