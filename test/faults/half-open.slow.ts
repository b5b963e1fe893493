import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { connect as connectTcp } from "node:net";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { EventSource } from "eventsource";
import request from "supertest";
import { clientKind } from "../networks/rig/client-person.ts";
import { openWire, type Strand } from "../networks/rig/wire.ts";
import { person, type TestPerson } from "../support/app.ts";
import { createDatabase } from "../support/database.ts";
import { endSites, type SiteProcess, startSite } from "../support/site-process.ts";
import { until } from "../support/until.ts";

// With the default settings. test/server/half-open.test.ts has the same at a tenth of the time.
const GONE_MS = 90_000;
const LIVING_MS = 150_000;

let database: Awaited<ReturnType<typeof createDatabase>>;
let site: SiteProcess;
const outcomes = new Map<string, Promise<unknown>>();

beforeAll(async () => {
  database = await createDatabase();
  site = await startSite(database.url);
  for (const [name, play] of [...Object.entries(SWALLOWED), ...Object.entries(LIVING), ...Object.entries(SLOW)]) {
    const outcome = play();
    outcome.catch(() => undefined);
    outcomes.set(name, outcome);
  }
}, 30_000);

afterAll(async () => {
  await Promise.allSettled(outcomes.values());
  await endSites();
  await database?.drop();
}, 300_000);

/** Return the time for which a client stays listed after its network began to drop everything. */
const SWALLOWED: { [name: string]: () => Promise<number> } = {
  "a member by the client package": () => swallowed("a", (url) => void clientKind.join(url, "a", "Ann")),
  "a watcher by the client package": () => swallowed("b", (url) => void clientKind.join(url, "b")),
  "a member by a ready-made EventSource": () => swallowed("c", (url, { token }) => listen(url, "c", token)),
  "a watcher by a ready-made EventSource": () => swallowed("d", (url) => listen(url, "d")),
  "a member by a poll of 55 s": () => swallowed("e", (url, { token }) => void fetchQuietly(pollOf(url, "e", token))),
  "a watcher by a poll of 55 s": () => swallowed("f", (url) => void fetchQuietly(pollOf(url, "f"))),
};

async function swallowed(room: string, open: (url: string, who: TestPerson) => void): Promise<number> {
  const who = await entered(room, "c,e".includes(room));
  const strands: Strand[] = [];
  const wire = await openWire(site.url, (strand) => {
    strands.push(strand);
    if (isDumb) strand.fallSilent();
  });
  let isDumb = false;
  open(wire.url, who);
  // By then, our own client knows that streams work here, and has confirmed its own.
  await setTimeout("a,b".includes(room) ? 70_000 : 5_000);
  const before = await stateOf(room);
  if (before.members.length + before.visitors !== 1) throw new Error(`${room}: ${JSON.stringify(before)}`);
  isDumb = true;
  for (const strand of strands) strand.fallSilent();
  const begunAt = performance.now();
  const isEmpty = async () => {
    const { members, visitors } = await stateOf(room);
    return members.length === 0 && visitors === 0;
  };
  await until(`nobody is in ${room}`, isEmpty, 2 * GONE_MS);
  return performance.now() - begunAt;
}

describe("behind a network that drops everything", () => {
  test.each(Object.keys(SWALLOWED))(
    "%s is gone within 90 s",
    async (name) => {
      const tookMs = (await outcomes.get(name)) as number;
      process.stdout.write(`${name}: gone after ${(tookMs / 1000).toFixed(1)} s\n`);
      expect(tookMs).toBeLessThan(GONE_MS);
    },
    300_000,
  );
});

/** Returns the kinds of events in the room of a silent member. */
const LIVING: { [name: string]: () => Promise<string[]> } = {
  "by the client package": () => living("k", () => void clientKind.join(site.url, "k", "Ann")),
  "by a ready-made EventSource": () => living("l", ({ token }) => listen(site.url, "l", token)),
  "by polls of 55 s": () => living("m", ({ token }) => void pollOn("m", token)),
  "by a growing page with pictures": () => living("n", (who) => void readPage("n", who, true)),
  "by a growing page without pictures": () => living("o", (who) => void readPage("o", who, false)),
};

async function living(room: string, open: (who: TestPerson) => void): Promise<string[]> {
  open(await entered(room, room !== "k"));
  await setTimeout(LIVING_MS);
  const { body } = await request(site.url).get(`/api/rooms/${room}/messages`).expect(200);
  return body.events.map(({ kind }: { kind: string }) => kind);
}

describe("a member that is connected and silent", () => {
  test.each(Object.keys(LIVING))(
    "%s, stays in the room",
    async (name) => {
      expect(await outcomes.get(name)).toEqual(["enter"]);
    },
    300_000,
  );
});

const SLOW: { [name: string]: () => Promise<unknown> } = {
  body: dripBody,
  idle: idleFor70Seconds,
  unread: readNothing,
};

test("a connection without a complete body after 30 s is closed", async () => {
  const livedMs = await outcomes.get("body");
  expect(livedMs).toBeGreaterThan(29_000);
  expect(livedMs).toBeLessThan(35_000);
}, 60_000);

test("a kept connection that was idle for 70 s is still used", async () => {
  expect(await outcomes.get("idle")).toEqual([200, 200, true]);
}, 120_000);

test("a client that does not read its answers is closed within four minutes", async () => {
  const { asked, came } = (await outcomes.get("unread")) as { asked: number; came: number };
  expect(came).toBeLessThan(asked);
}, 300_000);

/**
 * Asks for more than the system buffers for a connection: eight pages of 200 messages with 2,000
 * Japanese letters, 9.6 MB.
 */
async function readNothing(): Promise<{ asked: number; came: number }> {
  const text = "あ".repeat(2_000);
  for (let n = 0; n < 200; n += 1) {
    const { token } =
      n % 20 === 0
        ? (
            await request(site.url)
              .post("/api/session")
              .send({ nickname: `Filler ${n}` })
          ).body
        : filler;
    filler = { token };
    await request(site.url)
      .post("/api/rooms/lobby/messages")
      .send({ id: `filler-${n}-00`, text, token })
      .expect(201);
  }
  const page = "/api/rooms/lobby/messages?limit=200";
  const { length } = Buffer.from(await (await fetch(`${site.url}${page}`)).arrayBuffer());
  const { hostname, port } = new URL(site.url);
  const socket = connectTcp({ host: hostname, port: Number(port) });
  socket.on("error", () => undefined);
  socket.write(`GET ${page} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(8));
  await setTimeout(250_000);
  let came = 0;
  socket.on("data", ({ length: bytes }) => {
    came += bytes;
  });
  await once(socket, "close");
  return { asked: 8 * length, came };
}

let filler = { token: "" };

async function dripBody(): Promise<number> {
  const { hostname, port } = new URL(site.url);
  const socket = connectTcp({ host: hostname, port: Number(port) });
  const openedAt = performance.now();
  socket.on("error", () => undefined).resume();
  socket.write(
    "POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n",
  );
  const drip = setInterval(() => socket.write(" "), 1_000);
  await once(socket, "close");
  clearInterval(drip);
  return performance.now() - openedAt;
}

async function idleFor70Seconds(): Promise<unknown> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = async () => {
    const response = await getResponse("/healthz", {}, agent);
    const { socket } = response;
    response.resume();
    await once(response, "end");
    return { status: response.statusCode, socket };
  };
  const first = await ask();
  await setTimeout(70_000);
  const second = await ask();
  agent.destroy();
  return [first.status, second.status, first.socket === second.socket];
}

async function entered(room: string, isMember: boolean): Promise<TestPerson> {
  await request(site.url).post("/api/rooms").send({ slug: room }).expect(201);
  const who = await person(site.url, "Ann");
  const enter = request(site.url).post(`/api/rooms/${room}/enter`).set("authorization", `Bearer ${who.token}`);
  if (isMember) await enter.expect(200);
  return who;
}

async function stateOf(room: string): Promise<{ members: unknown[]; visitors: number }> {
  return (await request(site.url).get(`/api/rooms/${room}`).expect(200)).body;
}

function listen(url: string, room: string, token?: string): void {
  new EventSource(`${url}/api/events?room=${room}${token === undefined ? "" : `&token=${token}`}`);
}

function pollOf(url: string, room: string, token?: string): string {
  return `${url}/api/poll?room=${room}&wait=55${token === undefined ? "" : `&token=${token}`}`;
}

async function fetchQuietly(url: string): Promise<void> {
  await fetch(url).catch(() => undefined);
}

async function pollOn(room: string, token: string): Promise<void> {
  for (const endsAt = performance.now() + LIVING_MS; performance.now() < endsAt; )
    await fetchQuietly(pollOf(site.url, room, token));
}

/**
 * Reads a growing page as a browser does: follows its refresh when it ends, and loads its pictures.
 */
async function readPage(room: string, { cookie }: TestPerson, hasPictures: boolean): Promise<void> {
  const headers = { cookie: `${cookie}; arrives=1`, "user-agent": "Mozilla/5.0" };
  let path = `/rooms/${room}/live`;
  for (const endsAt = performance.now() + LIVING_MS; performance.now() < endsAt; ) {
    const response = await getResponse(path, headers);
    for await (const piece of response.setEncoding("utf8")) {
      path = /http-equiv="refresh" content="\d+; url=([^"]+)"/.exec(piece)?.[1] ?? path;
      const picture = /<img src="([^"]+)"/.exec(piece)?.[1];
      if (hasPictures && picture !== undefined) (await getResponse(picture, headers)).resume();
    }
  }
}

function getResponse(path: string, headers: { [name: string]: string }, agent?: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(`${site.url}${path}`, { agent: agent ?? false, headers }, resolve).once("error", reject);
  });
}
