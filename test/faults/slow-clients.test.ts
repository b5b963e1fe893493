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

/**
 * Opens a connection from one of this machine's addresses. `livedMs` is the time until it is
 * closed.
 */
function visitor(localAddress = "127.0.0.1"): { socket: Socket; livedMs: Promise<number> } {
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(site.url).port), localAddress });
  const openedAt = performance.now();
  socket.on("error", () => undefined);
  socket.resume();
  sockets.push(socket);
  const livedMs = new Promise<number>((resolve) => socket.once("close", () => resolve(performance.now() - openedAt)));
  return { socket, livedMs };
}

test("a connection without a complete head after 15 s is closed, silent or with a header every second", async () => {
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
  expect(answer).toMatch(/^HTTP\/1.1 408 .*\r\nX-Content-Type-Options: nosniff\r\n/s);
}, 30_000);

describe("with a low limit of open files", () => {
  test("a warning at the start names the limit, the connections that it allows, and how to raise it", () => {
    const [warning = ""] = site.said().match(/^.*CHATTERA_READERS=1000.*$/m) ?? [];
    expect(JSON.parse(warning)).toMatchObject({
      level: 40,
      msg: expect.stringMatching(
        /may open 256 files, .* enough for 182 connections .* 1074 or more .*LimitNOFILE.*ulimit -n/,
      ),
    });
  });

  test("400 idle connections from two addresses leave the site reachable, and are logged once", async () => {
    const stream = await openStream(site.url, { room: "lobby" });
    const idle = Array.from({ length: 400 }, (_, n) => visitor(n % 2 ? "127.0.0.7" : "127.0.0.8"));
    await until("some of them are closed", () => idle.filter(({ socket }) => socket.closed).length > 200);
    for (let n = 0; n < 5; n += 1) expect((await fetch(`${site.url}/healthz`)).status).toBe(200);
    await stream.signal("ping");
    await stream.close();
    for (const { socket } of idle) socket.destroy();
    expect((await fetch(`${site.url}/healthz`)).status).toBe(200);
    expect(site.said().match(/no more files may be open/g)).toHaveLength(1);
  });

  test.each([
    ["one address", ["127.0.0.11"]],
    ["two addresses", ["127.0.0.12", "127.0.0.13"]],
  ])("250 busy connections from %s leave the site reachable", async (_, addresses) => {
    const busy = Array.from({ length: 250 }, (_, n) => {
      const { socket } = visitor(addresses[n % addresses.length]);
      socket.write(BUSY[n % BUSY.length] as string);
      return socket;
    });
    await until("the rest are closed", () => busy.filter((socket) => socket.closed).length >= 250 - CONNECTIONS);
    for (const address of ["127.0.0.21", "127.0.0.22", "127.0.0.23"]) {
      const { socket } = visitor(address);
      let answer = "";
      socket.on("data", (bytes) => {
        answer += bytes;
      });
      socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      await until("it is answered or closed", () => answer !== "" || socket.closed);
      expect(answer).toMatch(/^HTTP\/1.1 200 /);
    }
    for (const socket of busy) socket.destroy();
  });
});

/** The connections that the limit of open files allows, as in the log. */
const CONNECTIONS = 182;

/** Requests that stay open. */
const BUSY = [
  "POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{",
  "GET /api/poll?room=lobby&wait=55 HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET /api/events?room=lobby HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET /rooms/lobby/live HTTP/1.1\r\nHost: x\r\n\r\n",
];
