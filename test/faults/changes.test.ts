import "../support/fixed-seed.ts";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { RoomEvent } from "../../protocol/event.ts";
import { openStream } from "../../server/testing.ts";
import { clientId, openNode, person, say, type TestNode, type TestPerson } from "../support/app.ts";
import { openBadProxy } from "../support/bad-proxy.ts";
import { ComingAndGoing, PROMISED_MS, READING } from "../support/coming-and-going.ts";
import { createDatabase } from "../support/database.ts";
import { type Pulse, startPulse } from "../support/pulse.ts";
import { endSites, type SiteProcess, startSite } from "../support/site-process.ts";
import { until } from "../support/until.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let steady: TestNode;
let dying: SiteProcess;
let ann: TestPerson;
let pulse: Pulse;

beforeAll(async () => {
  database = await createDatabase();
  steady = await openNode(database.url);
  dying = await startSite(database.url);
  ann = await person(steady.url, "Ann");
  pulse = startPulse(() => [steady.url, dying.url]);
}, 60_000);

afterAll(async () => {
  pulse?.stop();
  await endSites();
  await steady?.close();
  await database?.drop();
});

const bearer = (who: TestPerson) => ({ "content-type": "application/json", authorization: `Bearer ${who.token}` });

async function post(url: string, path: string, { who = ann, body = {} }: { who?: TestPerson; body?: object } = {}) {
  return fetch(`${url}/api/rooms/${path}`, { method: "POST", headers: bearer(who), body: JSON.stringify(body) });
}

async function openRoom(slug: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${steady.url}/api/rooms`, { method: "POST", headers, body: JSON.stringify({ slug }) });
  expect(response.status).toBe(201);
}

test("a node that gets no wake-ups any more sends an erased text for a second at most", async () => {
  const proxy = await openBadProxy(database.url);
  const deaf = await openNode(database.url, { listenUrl: proxy.through(database.url) });
  await until("the bus is listening", () => deaf.app.site.bus.isListening());
  await openRoom("deaf");
  const { cursor } = await say(steady.url, ann, { room: "deaf", text: "before" });
  // The room is in this node's memory from now on.
  const stream = await openStream(deaf.url, { room: "deaf", after: cursor });
  const { event } = await say(steady.url, ann, { room: "deaf", text: "not to be read" });
  await stream.events(1);
  proxy.blackHole();
  const tail = deaf.app.site.hub.rooms.all().find(({ slug }) => slug === "deaf");
  expect((await post(steady.url, `deaf/messages/${event.seq}/erase`)).status).toBe(201);
  const erasedAt = performance.now();
  expect(await stream.events(1)).toMatchObject([{ kind: "erase", target: event.seq }]);
  const tookMs = performance.now() - erasedAt;
  // The premise: it still believes that wake-ups arrive, so its sweep is 5 s apart.
  expect(deaf.app.site.bus.isListening()).toBe(true);
  expect(tookMs).toBeLessThan(PROMISED_MS + pulse.latenessSince(erasedAt));
  expect(tail?.head).toBe(event.seq + 1);
  const answer = await fetch(`${deaf.url}/api/poll?room=deaf&wait=0&after=${cursor}`);
  expect(await answer.text()).not.toContain("not to be read");
  await stream.close();
  await deaf.close();
  await proxy.close();
}, 30_000);

test("the node that acknowledges an erase sends the text to nobody any more, not even before it reads the event", async () => {
  await openRoom("at-once");
  const { cursor } = await say(steady.url, ann, { room: "at-once", text: "before" });
  for (let n = 0; n < 20; n += 1) {
    const { event } = await say(steady.url, ann, { room: "at-once", text: `gone ${n}` });
    await post(steady.url, `at-once/messages/${event.seq}/erase`);
    const answer = await fetch(`${steady.url}/api/poll?room=at-once&wait=0&after=${cursor}`);
    expect(await answer.text()).not.toContain(`gone ${n}`);
  }
});

/** One step of an author: `at` picks the node, and `which` one of the author's messages. */
type Step = { act: "say" | "edit" | "erase" | "kill"; at: boolean; which: number };

const steps = fc.array(
  fc.record<Step>({
    act: fc.oneof(
      { weight: 10, arbitrary: fc.constant("say" as const) },
      { weight: 6, arbitrary: fc.constant("edit" as const) },
      { weight: 4, arbitrary: fc.constant("erase" as const) },
      { weight: 1, arbitrary: fc.constant("kill" as const) },
    ),
    at: fc.boolean(),
    which: fc.nat(),
  }),
  { minLength: 30, maxLength: 45 },
);

test("whatever is edited and erased, and whichever node dies, all readers agree in the end, without a gap", async () => {
  let rooms = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      rooms += 1;
      await playAndCompare(`agree-${rooms}`, history);
    }),
    { numRuns: 2 },
  );
}, 240_000);

async function playAndCompare(room: string, history: Step[]): Promise<void> {
  await openRoom(room);
  const first = await say(steady.url, ann, { room, text: "the first" });
  const erasedAt = new Map<string, number>();
  const urls = (): [string, string] => [dying.url, steady.url];
  const readers = READING.flatMap((transport) =>
    [0, 1].map((n) => new ComingAndGoing({ transport, room, start: first, erasedAt, n, pulse, urls })),
  );
  const reading = readers.map((reader) => reader.read());
  await play(room, history, erasedAt);
  const { events } = (await (await fetch(`${steady.url}/api/rooms/${room}/messages?limit=200`)).json()) as {
    events: RoomEvent[];
  };
  const head = events.at(-1)?.seq as number;
  for (const reader of readers) reader.end(head);
  await Promise.all(reading);
  const stored = events.filter(({ kind, seq }) => kind === "message" && seq > first.event.seq);
  for (const { faults, shown } of readers) {
    expect(faults).toEqual([]);
    expect([...shown]).toEqual(stored.map(({ seq, text }) => [seq, text]));
  }
}

/** Plays the steps. A request that a dying node does not answer is repeated at the other one. */
async function play(room: string, history: Step[], erasedAt: Map<string, number>): Promise<void> {
  const texts = new Map<number, string[]>();
  let count = 0;
  for (const { act, at, which } of history) {
    const target = [...texts.keys()][which % (texts.size || 1)];
    if (act === "kill") {
      await dying.kill("SIGKILL");
      dying = await startSite(database.url);
    } else if (act === "say" || target === undefined) {
      const text = `words ${++count} of ${room}`;
      const { event } = await surely(at, `${room}/messages`, { id: clientId(), text });
      texts.set(event.seq, [text]);
    } else {
      const text = `words ${++count} of ${room}`;
      const former = texts.get(target) as string[];
      const path = `${room}/messages/${target}/${act}`;
      const { event } = await surely(at, path, { id: clientId(), ...(act === "edit" && { text }) });
      expect(event).toMatchObject({ kind: act, target });
      for (const one of former) erasedAt.set(one, performance.now());
      if (act === "edit") texts.set(target, [text]);
      else texts.delete(target);
    }
  }
}

async function surely(at: boolean, path: string, body: object): Promise<{ event: RoomEvent }> {
  const answer = await post(at ? dying.url : steady.url, path, { body }).catch(() => undefined);
  if (answer && answer.status < 300) return (await answer.json()) as { event: RoomEvent };
  return (await (await post(steady.url, path, { body })).json()) as { event: RoomEvent };
}
