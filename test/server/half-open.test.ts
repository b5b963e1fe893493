import { Agent, type ClientRequest, get, type IncomingMessage } from "node:http";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import type { ByeSignal } from "../../protocol/event.ts";
import { createConfirmations } from "../../server/delivery/confirmations.ts";
import { createLog } from "../../server/log.ts";
import { openStream } from "../../server/testing.ts";
import { openWire, type Strand } from "../networks/rig/wire.ts";
import { openSite, person, say, type TestPerson, type TestSite } from "../support/app.ts";
import { until } from "../support/until.ts";

// Everything runs faster than usual: 4 s instead of 45, a grace of 7 s instead of 30, a round every
// 2.3 s instead of 10. An unconfirmed stream is sent away after 7 s and back after up to 9, so its
// member is seen again at least 2 s before it would be removed. The limits leave 3 s for a busy
// machine.
const SEEN_MS = 4_000;
const GRACE_SECONDS = 7;
const GONE_MS = 17_000;
const UNCOUNTED_MS = 11_000;

let site: TestSite;
let url: string;
let otherUrl: string;
const requests: ClientRequest[] = [];
const outcomes = new Map<string, Promise<unknown>>();

beforeAll(async () => {
  site = await openSite({ graceSeconds: GRACE_SECONDS, seenMs: SEEN_MS }, 2);
  [url, otherUrl] = site.nodes.map((node) => node.url) as [string, string];
  // All at the same time, because each of them mostly waits.
  for (const [name, play] of [...Object.entries(SWALLOWED), ...Object.entries(LIVING)]) {
    const outcome = play();
    outcome.catch(() => undefined);
    outcomes.set(name, outcome);
  }
});

afterAll(async () => {
  await Promise.allSettled(outcomes.values());
  for (const one of requests) one.destroy();
  await site.close();
});

/**
 * Readers whose network drops everything, by name. Each resolves with the milliseconds until its
 * member leaves.
 */
const SWALLOWED: { [name: string]: () => Promise<number> } = {
  "the member of a stream": () => goneMember("a", () => "/api/events?room=a&n=half-open"),
  "the member of a stream that was confirmed": () => goneMember("b", () => "/api/events?room=b&n=once", "once"),
  "the member of a stream that asks for a ping a minute": () => goneMember("c", () => "/api/events?room=c&ping=60"),
  "the member of a byte stream": () => goneMember("d", () => "/api/stream?room=d"),
  "the member of a poll of 55 s": () => goneMember("e", () => "/api/poll?room=e&wait=55"),
  "the member of a growing page": () => goneMember("f", () => "/rooms/f/live"),
  "the watcher by a stream": () => goneWatcher("g", "/api/events?room=g"),
  "the watcher by a poll of 55 s": () => goneWatcher("h", "/api/poll?room=h&wait=55"),
};

async function goneMember(room: string, path: (who: TestPerson) => string, confirmed?: string): Promise<number> {
  const who = await entered(room);
  const hole = await openHole();
  void open(hole.url + path(who), { headers: { host: new URL(url).host, cookie: `${who.cookie}; arrives=1` } }).catch(
    () => undefined,
  );
  await isReading(room);
  if (confirmed !== undefined) await confirm(confirmed).expect(200);
  return hole.swallow(() => isEmpty(room));
}

async function goneWatcher(room: string, path: string): Promise<number> {
  await request(url).post("/api/rooms").send({ slug: room }).expect(201);
  const hole = await openHole();
  void open(hole.url + path).catch(() => undefined);
  await until("the watcher counts", async () => (await stateOf(room)).visitors === 1);
  return hole.swallow(() => isEmpty(room));
}

describe("behind a network that drops everything", () => {
  test.each(Object.keys(SWALLOWED))(
    "%s is removed from the room and from the figures",
    async (name) => {
      expect(await outcomes.get(name)).toBeLessThan(name.startsWith("the watcher") ? UNCOUNTED_MS : GONE_MS);
    },
    40_000,
  );
});

/**
 * Readers that stay, by name. Each resolves with the kinds of the room's events, and whether there
 * was a `bye`.
 */
const LIVING: { [name: string]: () => Promise<unknown> } = {
  "stays while its stream is confirmed": () => confirmedFor("confirmed", url),
  "stays while its stream is confirmed by way of another node": () => confirmedFor("elsewhere", otherUrl),
  "stays while it polls, each time for longer than it is seen": () => pollsFor("polling"),
  "stays while its stream is not confirmed, by coming back at each bye": () => comesBack("returning"),
};

/** Longer than it takes to be removed. */
const LONG_MS = 17_000;

async function confirmedFor(room: string, at: string): Promise<unknown> {
  const { token } = await entered(room);
  const response = await open(`${url}/api/events?room=${room}&token=${token}&n=of-${room}`);
  let text = "";
  response.setEncoding("utf8").on("data", (piece) => {
    text += piece;
  });
  for (let ms = 0; ms < LONG_MS; ms += 2_000) {
    await confirm(`of-${room}`, at).expect(200);
    await setTimeout(2_000);
  }
  return [await kindsIn(room), /event: bye/.test(text)];
}

async function pollsFor(room: string): Promise<unknown> {
  const { token } = await entered(room);
  for (let ms = 0; ms < LONG_MS; ms += 7_000)
    await (await fetch(`${url}/api/poll?room=${room}&token=${token}&wait=7`)).json();
  return [await kindsIn(room), false];
}

async function comesBack(room: string): Promise<unknown> {
  const { token } = await entered(room);
  for (let ms = 0; ms < LONG_MS; ms += SEEN_MS + 3_000) {
    const stream = await openStream(url, { room, token, timeoutMs: SEEN_MS + 5_000 });
    const { retry } = (await stream.signal("bye")) as ByeSignal;
    await stream.close();
    if (retry > 1_500) throw new Error(`a retry of ${retry} ms is not short`);
    await setTimeout(retry);
  }
  await openStream(url, { room, token }).then((stream) => stream.close());
  return [await kindsIn(room), false];
}

describe("a member that is there", () => {
  test.each(Object.keys(LIVING))(
    "%s",
    async (name) => {
      expect(await outcomes.get(name)).toEqual([["enter"], false]);
    },
    60_000,
  );
});

test("a watcher's unconfirmed stream stays open and delivers messages", async () => {
  const room = "watching";
  await request(url).post("/api/rooms").send({ slug: room }).expect(201);
  const stream = await openStream(url, { room });
  await until("it is no longer counted", () => isEmpty(room), UNCOUNTED_MS);
  await setTimeout(SEEN_MS);
  await say(url, await person(url, "Ben"), { text: "still there?", room });
  expect((await stream.events(2)).map(({ kind }) => kind)).toEqual(["enter", "message"]);
  await stream.close();
}, 30_000);

describe("a confirmation", () => {
  test.each(["/api/here", "/api/here;stream=", "/api/here;stream=%20"])("is malformed as %s", async (path) => {
    expect((await request(url).get(path)).body).toMatchObject({ status: 400, code: "malformed" });
  });

  test("of another node's stream is passed on once a second, in one wake-up; the surplus is refused", async () => {
    const payloads: string[] = [];
    const wakeUps = {
      isNotify: false,
      listen: () => Promise.reject(),
      publish: async (_: string, payload: string) => void payloads.push(payload),
    };
    const { hub } = (site.nodes[0] as TestSite["nodes"][0]).app.site;
    const confirmations = createConfirmations({ hub, wakeUps, logger: createLog("silent") });
    const taken = Array.from({ length: 1_000 }, (_, n) => confirmations.passOn(`${"x".repeat(60)}-${n}`));
    expect(taken.filter(Boolean).length).toBeLessThan(130);
    expect(confirmations.passOn(`${"x".repeat(60)}-0`)).toBe(true);
    await until("they are passed on", () => payloads.length === 1);
    expect([payloads[0]?.split(" ").length, (payloads[0]?.length ?? 0) < 8_000]).toEqual([
      taken.filter(Boolean).length,
      true,
    ]);
    expect(confirmations.passOn("another")).toBe(true);
    confirmations.stop();
  });

  test("closes a connection that was opened for it, and no other", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const endings: unknown[] = [];
    for (const path of ["/api/here;stream=1", "/api/rooms/lobby", "/api/here;stream=1"])
      endings.push((await open(url + path, { agent })).resume().headers.connection);
    expect(endings).toEqual(["close", "keep-alive", "keep-alive"]);
    agent.destroy();
  });
});

/**
 * Opens a path to the node that can begin to drop everything: it passes no end on and accepts all
 * bytes.
 */
async function openHole() {
  const strands: Strand[] = [];
  const wire = await openWire(url, (strand) => strands.push(strand));
  return {
    url: wire.url,
    /** Drops everything from now on. Resolves with the milliseconds until `isSo`. */
    async swallow(isSo: () => Promise<boolean>): Promise<number> {
      for (const strand of strands) strand.fallSilent();
      const begunAt = performance.now();
      await until("nobody is left", isSo, 30_000);
      const tookMs = performance.now() - begunAt;
      await wire.close();
      return tookMs;
    },
  };
}

type OpenOptions = { headers?: NodeJS.Dict<string>; agent?: Agent };

/** Makes a request whose answer may not end. */
function open(at: string, { headers = {}, agent }: OpenOptions = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    requests.push(get(at, { agent: agent ?? false, headers }, resolve).once("error", reject));
  });
}

/** Enters a new room. */
async function entered(room: string): Promise<TestPerson> {
  await request(url).post("/api/rooms").send({ slug: room }).expect(201);
  const who = await person(url, "Ann");
  await request(url).post(`/api/rooms/${room}/enter`).set("authorization", `Bearer ${who.token}`).expect(200);
  return who;
}

async function isReading(room: string): Promise<void> {
  const { hub } = (site.nodes[0] as TestSite["nodes"][0]).app.site;
  const isTheirs = () => [...hub.readers].some(({ tails, memberId }) => memberId && tails[0]?.slug === room);
  await until("the node has the reader, as a member's", isTheirs);
}

async function stateOf(room: string): Promise<{ members: unknown[]; visitors: number }> {
  return (await request(url).get(`/api/rooms/${room}`).expect(200)).body;
}

async function isEmpty(room: string): Promise<boolean> {
  const { members, visitors } = await stateOf(room);
  return members.length === 0 && visitors === 0;
}

async function kindsIn(room: string): Promise<string[]> {
  const { body } = await request(url).get(`/api/rooms/${room}/messages`).expect(200);
  return body.events.map(({ kind }: { kind: string }) => kind);
}

function confirm(nonce: string, at = url) {
  return request(at).get(`/api/here;stream=${nonce};n=1`);
}
