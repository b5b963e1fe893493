import "../support/fixed-seed.ts";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { RoomEvent } from "../../protocol/event.ts";
import { isSaid } from "../../protocol/line.ts";
import { clientId, openNode, person, type TestNode, type TestPerson } from "../support/app.ts";
import { ComingAndGoing, PROMISED_MS, READING } from "../support/coming-and-going.ts";
import { createDatabase } from "../support/database.ts";
import { OPERATOR_SECRET, operator, type TestOperator } from "../support/operator.ts";
import { type Pulse, startPulse } from "../support/pulse.ts";
import { endSites, type SiteProcess, startSite } from "../support/site-process.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let steady: TestNode;
let dying: SiteProcess;
let people: Comer[];
let pulse: Pulse;

/** A person, and the address from which it comes. */
type Comer = TestPerson & { address: string };

const startDying = () =>
  startSite(database.url, {
    TRUST_PROXY: "loopback",
    CHATTERA_OPERATOR_SECRET: OPERATOR_SECRET,
    CHATTERA_GRACE_SECONDS: "600",
  });

beforeAll(async () => {
  database = await createDatabase();
  steady = await openNode(database.url, {
    trustProxy: ["loopback"],
    operatorSecret: OPERATOR_SECRET,
    graceSeconds: 600,
  });
  dying = await startDying();
  const named = async (nickname: string, n: number) => ({
    ...(await person(steady.url, nickname)),
    address: `192.0.2.${n}`,
  });
  people = await Promise.all(["Ann", "Ben", "Cat"].map(named));
  pulse = startPulse(() => [steady.url, dying.url]);
}, 60_000);

afterAll(async () => {
  pulse?.stop();
  await endSites();
  await steady?.close();
  await database?.drop();
});

async function say(url: string, who: Comer, { room, text }: { room: string; text: string }): Promise<Response> {
  return fetch(`${url}/api/rooms/${room}/messages`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${who.token}`,
      "x-forwarded-for": who.address,
    },
    body: JSON.stringify({ id: clientId(), text }),
  });
}

/** One step: `at` picks the node, `who` a person, and `which` a message. */
type Step = { act: "say" | "notice" | "erase" | "erase-all" | "ban" | "kill"; at: boolean; who: number; which: number };

const steps = fc.array(
  fc.record<Step>({
    act: fc.oneof(
      { weight: 9, arbitrary: fc.constant("say" as const) },
      { weight: 5, arbitrary: fc.constant("notice" as const) },
      { weight: 4, arbitrary: fc.constant("erase" as const) },
      { weight: 2, arbitrary: fc.constant("erase-all" as const) },
      { weight: 2, arbitrary: fc.constant("ban" as const) },
      { weight: 1, arbitrary: fc.constant("kill" as const) },
    ),
    at: fc.boolean(),
    who: fc.nat(2),
    which: fc.nat(),
  }),
  { minLength: 30, maxLength: 36 },
);

test("all readers agree and none gets an erased text, with any erasures and bans, and whichever node dies", async () => {
  let rooms = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      rooms += 1;
      await playAndCompare(`kept-${rooms}`, history);
    }),
    { numRuns: 1, endOnFailure: true },
  );
}, 400_000);

async function playAndCompare(room: string, history: Step[]): Promise<void> {
  const headers = { "content-type": "application/json" };
  await fetch(`${steady.url}/api/rooms`, { method: "POST", headers, body: JSON.stringify({ slug: room }) });
  const start = await (await say(steady.url, people[0] as Comer, { room, text: "the first" })).json();
  const erasedAt = new Map<string, number>();
  const urls = (): [string, string] => [steady.url, dying.url];
  const readers = READING.map(
    (transport, n) => new ComingAndGoing({ transport, room, start, erasedAt, n, pulse, urls }),
  );
  const reading = readers.map((reader) => reader.read());
  const erased = await play(room, history, erasedAt).catch((error) => {
    for (const reader of readers) reader.end(0);
    throw error;
  });
  // Otherwise the run has shown nothing.
  expect(erased).toBeGreaterThan(0);
  const { events } = (await (await fetch(`${steady.url}/api/rooms/${room}/messages?limit=200`)).json()) as {
    events: RoomEvent[];
  };
  const head = events.at(-1)?.seq as number;
  for (const reader of readers) reader.end(head);
  await Promise.all(reading);
  const stored = events.filter(({ kind, seq }) => isSaid(kind) && seq > start.event.seq);
  for (const { faults, shown } of readers) {
    expect(faults).toEqual([]);
    expect([...shown]).toEqual(stored.map(({ seq, text }) => [seq, text]));
  }
  await expectNowhere(room, start.cursor, [...erasedAt.keys()]);
}

/** Everything else that shows messages of a room, pages without script too. */
async function expectNowhere(room: string, cursor: string, erased: string[]): Promise<void> {
  const places = [
    `/rooms/${room}`,
    `/rooms/${room}/live?refresh=10&after=${cursor}`,
    `/rooms/${room}/log.txt`,
    `/rooms/${room}/search?text=words`,
    `/api/rooms/${room}/search?text=words&limit=50`,
    `/api/rooms/${room}/messages?limit=200`,
    `/api/rooms/${room}/messages?limit=200&callback=take`,
    "/api/rooms",
    "/",
  ];
  // "words 1" is a part of "words 12".
  const isShown = (page: string) => erased.find((text) => new RegExp(`${text}(?!\\w)`).test(page));
  for (const url of [steady.url, dying.url])
    for (const place of places) {
      const answer = await fetch(url + place);
      expect([place, answer.status, isShown(await answer.text())]).toEqual([place, 200, undefined]);
    }
}

/** Plays the steps, and returns how many messages were erased. */
async function play(room: string, history: Step[], erasedAt: Map<string, number>): Promise<number> {
  // A notice of the site is by nobody.
  const live = new Map<number, { text: string; by: Comer | undefined }>();
  let count = 0;
  for (const { act, at, who, which } of history) {
    const url = at ? dying.url : steady.url;
    const by = people[who] as Comer;
    if (act === "kill") {
      await dying.kill("SIGKILL");
      dying = await startDying();
    } else if (act === "say") {
      const text = `words ${++count} of ${room}`;
      const { event } = await (await say(url, by, { room, text })).json();
      live.set(event.seq, { text, by });
    } else if (act === "notice") {
      const text = `words ${++count} of ${room}`;
      live.set((await steady.app.notice(room, text)).seq, { text, by: undefined });
    } else if (act === "ban") await banAndLift(room, by, url);
    else {
      const one = [...live.keys()][which % (live.size || 1)];
      if (one === undefined) continue;
      const isHit = ([seq, message]: [number, { by: Comer | undefined }]) =>
        act === "erase" ? seq === one : message.by === by;
      const hit = [...live].filter(isHit);
      const what = act === "erase" ? { seq: one } : { member: by.id };
      const { body } = await (await operator(url)).post(`/api/rooms/${room}/erase`, what).expect(200);
      expect(body.erased).toBe(act === "erase" ? 1 : body.erased);
      for (const [seq, { text }] of hit) {
        erasedAt.set(text, performance.now());
        live.delete(seq);
      }
    }
  }
  return erasedAt.size;
}

/** Bans a person at one node. The ban must hold there at once, and on both nodes in time. */
async function banAndLift(room: string, who: Comer, url: string): Promise<void> {
  const op = await operator(url);
  const path = `/api/rooms/${room}/bans`;
  const { body } = await op.post(path, { member: who.id, act: "silence", reason: "rude" }).expect(201);
  expect((await say(url, who, { room, text: "too late" })).status).toBe(403);
  for (const node of [steady.url, dying.url]) await untilStatus(node, who, { room, status: 403 });
  await op.post(`${path}/lift`, { ban: body.ban.id }).expect(200);
}

/** Waits until a node answers a person's request with this status. */
async function untilStatus(
  url: string,
  { token, address }: Comer,
  { room, status }: { room: string; status: number },
): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, "x-forwarded-for": address, "content-type": "application/json" };
  const ask = async () => {
    // Nothing is stored by this before the ban is known.
    const answer = await fetch(`${url}/api/rooms/${room}/typing`, { method: "POST", headers, body: "{}" });
    return answer.status === status;
  };
  await untilPromised(`the ban holds at ${url}`, ask);
}

/** Waits for what is promised within a second. A busy machine may be late. */
async function untilPromised(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const since = performance.now();
  while (!(await isTrue())) {
    const tookMs = performance.now() - since;
    const allowedMs = PROMISED_MS + pulse.latenessSince(since);
    if (tookMs > allowedMs) throw new Error(`${what}: not after ${tookMs} of ${allowedMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("a raid of 200 sessions from one address ends with a ban and an erase of its network", async () => {
  const room = "/api/rooms/lobby";
  const nodes = [
    steady,
    await openNode(database.url, { trustProxy: ["loopback"], operatorSecret: OPERATOR_SECRET, graceSeconds: 600 }),
  ] as const;
  const innocent = people[0] as Comer;
  const start = await (await say(steady.url, innocent, { room: "lobby", text: "before the raid" })).json();
  const raiders: Comer[] = [];
  for (let n = 0; n < 200; n += 1)
    raiders.push({ ...(await person(steady.url, `raider${n}`)), address: "203.0.113.9" });
  const raid = raiders.map((raider, n) =>
    say((nodes[n % 2] as TestNode).url, raider, { room: "lobby", text: `raid ${n}` }),
  );
  expect((await Promise.all(raid)).map(({ status }) => status)).toEqual(raid.map(() => 201));
  const op: TestOperator = await operator(steady.url);
  const seen = (await op.get(`${room}/networks`)).body.people as { id: string; network: string }[];
  const network = seen.find(({ id }) => id === raiders[0]?.id)?.network as string;
  const hit = await op.get(`/api/operate/bans/hit?network=${network}`).expect(200);
  expect(hit.body).toMatchObject({ present: 200, sessions: 200 });
  const banned = await op.post("/api/operate/bans", { network, act: "shut-out", reason: "raid" }).expect(201);
  expect(banned.body).toMatchObject({ removed: 200 });
  expect((await op.post("/api/operate/erase", { network }).expect(200)).body).toMatchObject({ erased: 200 });
  for (const { url } of nodes) {
    await untilPromised("no reader gets the raid any more", async () => {
      const answer = await fetch(`${url}/api/poll?room=lobby&wait=0&after=${start.cursor}`);
      return !/raid \d/.test(await answer.text());
    });
    // Tokens that were issued before, and new sessions from there.
    const back = { ...(await person(url, "raider again")), address: "203.0.113.9" };
    for (const raider of [raiders[7] as Comer, back])
      await untilPromised("raiders are shut out", async () => {
        const { status } = await say(url, raider, { room: "lobby", text: "x" });
        return status === 403;
      });
    expect((await say(url, innocent, { room: "lobby", text: "still here" })).status).toBe(201);
  }
  await nodes[1].close();
}, 240_000);
