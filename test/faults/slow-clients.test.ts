import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { openStream } from "../../server/testing.ts";
import { createDatabase } from "../support/database.ts";
import { endSites, type SiteProcess, startSite } from "../support/site-process.ts";
import { until } from "../support/until.ts";

const FILES = 256;

let database: Awaited<ReturnType<typeof createDatabase>>;
let site: SiteProcess;
const sockets: Socket[] = [];

beforeAll(async () => {
  database = await createDatabase();
  site = await startSite(database.url, { CHATTERA_LIMITS: "on", CHATTERA_READERS: "1000" }, FILES);
}, 30_000);

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await endSites();
  await database?.drop();
});

/** A connection from one of this machine's addresses, and how long it lives. */
function visitor(localAddress = "127.0.0.1"): { socket: Socket; livedMs: Promise<number> } {
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(site.url).port), localAddress });
  const openedAt = performance.now();
  socket.on("error", () => undefined);
  socket.resume();
  sockets.push(socket);
  return { socket, livedMs: once(socket, "close").then(() => performance.now() - openedAt) };
}

test("a connection whose head has not come within 15 s is closed: silent, or a header every second", async () => {
  const silent = visitor();
  const drips = visitor();
  drips.socket.write("GET / HTTP/1.1\r\nHost: x\r\n");
  let answer = "";
  drips.socket.on("data", (bytes) => {
    answer += bytes;
  });
  const drip = setInterval(() => drips.socket.write("X-Drip: 1\r\n"), 1_000);
  const lives = await Promise.all([silent.livedMs, drips.livedMs]);
  clearInterval(drip);
  for (const livedMs of lives) {
    expect(livedMs).toBeGreaterThan(14_000);
    expect(livedMs).toBeLessThan(20_000);
  }
  expect(answer).toMatch(/^HTTP\/1.1 408 .*\r\nContent-Security-Policy: /s);
}, 30_000);

describe("with few files that may be open", () => {
  test("one sentence at the start names the limit, what it is enough for, and how to raise it", () => {
    const [warning = ""] = site.said().match(/^.*CHATTERA_READERS=1000.*$/m) ?? [];
    expect(JSON.parse(warning)).toMatchObject({
      level: 40,
      msg: expect.stringMatching(
        /may open 256 files, .* enough for 182 connections .* 1074 or more .*LimitNOFILE.*ulimit -n/,
      ),
    });
  });

  test("400 idle connections of one address take the site from nobody; it is logged once, and is over with them", async () => {
    const stream = await openStream(site.url, { room: "lobby" });
    const idle = Array.from({ length: 400 }, () => visitor("127.0.0.7"));
    await until("some of them are closed", () => idle.filter(({ socket }) => socket.closed).length > 200);
    for (let n = 0; n < 5; n += 1) expect((await fetch(`${site.url}/healthz`)).status).toBe(200);
    await stream.signal("ping");
    await stream.close();
    for (const { socket } of idle) socket.destroy();
    expect((await fetch(`${site.url}/healthz`)).status).toBe(200);
    expect(site.said().match(/no more files may be open/g)).toHaveLength(1);
  });
});
