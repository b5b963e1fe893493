import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { Tail } from "../../server/delivery/tail.ts";
import { RoomTick } from "../../server/delivery/tick.ts";
import { openStream } from "../../server/testing.ts";
import { openSite, person, say, type TestNode, type TestPerson, type TestSite } from "../support/app.ts";

describe("a node with many rooms", () => {
  const ROOMS = Array.from({ length: 10 }, (_, n) => `room-${n}`);
  const MESSAGES = 10;
  let site: TestSite;
  let node: TestNode;

  beforeAll(async () => {
    site = await openSite();
    node = site.nodes[0] as TestNode;
  });

  afterAll(() => site.close());

  test("runs one append and one read at most, and delivers several messages at a time", async () => {
    const people = await Promise.all(ROOMS.map((slug) => enter(node.url, slug)));
    const streams = await Promise.all(ROOMS.map((room) => openStream(node.url, { room })));
    for (const stream of streams) await stream.signal("hello");
    const appends = watch(node, /append_drafts/);
    const reads = watch(node, /events_after/);
    const before = await framesWritten(node);
    await Promise.all(
      ROOMS.flatMap((room, n) =>
        Array.from({ length: MESSAGES }, (_, i) => say(node.url, people[n] as TestPerson, { text: `${i}`, room })),
      ),
    );
    for (const stream of streams) expect(await stream.events(MESSAGES)).toHaveLength(MESSAGES);
    const frames = (await framesWritten(node)) - before;
    for (const stream of streams) await stream.close();
    expect(appends).toMatchObject({ most: 1 });
    expect(reads).toMatchObject({ most: 1 });
    expect(frames).toBeGreaterThanOrEqual(ROOMS.length);
    expect(frames).toBeLessThan(ROOMS.length * MESSAGES);
  });
});

describe("a room's tick", () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  test("reads a quiet room at once, and a resting one once for all wake-ups in between", () => {
    const { tick, read } = openTick(45);
    const [costly, cheap] = [roomThatTook(20), roomThatTook(0)];
    tick.wake([costly, cheap]);
    expect(read).toEqual([[costly, cheap]]);
    for (let n = 0; n < 3; n += 1) tick.wake([costly]);
    expect(read).toHaveLength(1);
    tick.wake([cheap]);
    expect(read[1]).toEqual([cheap]);
    jest.advanceTimersByTime(44);
    expect(read).toHaveLength(2);
    jest.advanceTimersByTime(1);
    expect(read.slice(2)).toEqual([[costly]]);
    jest.advanceTimersByTime(1_000);
    expect(read).toHaveLength(3);
    tick.stop();
  });

  test("rests a room for five times the delivery time, and lets its messages wait as long, less a commit", () => {
    const { tick } = openTick(1_000);
    const room = roomThatTook(100);
    expect(tick.patienceMs(room)).toBe(0);
    tick.wake([room]);
    expect(tick.patienceMs(room)).toBe(500 - 15);
    jest.advanceTimersByTime(400);
    expect(tick.patienceMs(room)).toBe(100 - 15);
    tick.stop();
  });

  test("sets no timer for a time that has passed, which Node 24 would print a warning about", () => {
    const { tick } = openTick(45);
    const now = performance.now();
    const room = Object.assign(roomThatTook(20), { tickedAt: now - 44.9 });
    // The room becomes due while it is scheduled.
    const clock = jest
      .spyOn(performance, "now")
      .mockReturnValueOnce(now)
      .mockReturnValue(now + 0.2);
    const timers = jest.spyOn(globalThis, "setTimeout");
    tick.wake([room]);
    expect(timers.mock.calls.map(([, ms]) => ms)).toEqual([0]);
    timers.mockRestore();
    clock.mockRestore();
    tick.stop();
  });
});

/** Returns a tick, and the rooms that it reads at each time. */
function openTick(longestMs: number): { tick: RoomTick; read: Tail[][] } {
  const read: Tail[][] = [];
  return { tick: new RoomTick({ longestMs, read: (tails) => read.push(tails) }), read };
}

function roomThatTook(flushMs: number): Tail {
  return Object.assign(new Tail({ id: 1, slug: "lobby", title: "Lobby" }, "k3x9", 0), { flushMs });
}

/** Counts the statements of a kind that run at the same time. */
function watch(node: TestNode, kind: RegExp): { now: number; most: number } {
  const count = { now: 0, most: 0 };
  const { db } = node.app.site;
  db.on("query", ({ sql }) => {
    if (kind.test(sql)) count.now += 1;
    count.most = Math.max(count.most, count.now);
  });
  db.on("query-response", (_rows, { sql }) => {
    if (kind.test(sql)) count.now -= 1;
  });
  return count;
}

async function framesWritten(node: TestNode): Promise<number> {
  const metrics = await (await fetch(`${node.url}/metrics`)).text();
  return Number(/^chattera_frames_written_total (\d+)/m.exec(metrics)?.[1]);
}

async function enter(url: string, slug: string): Promise<TestPerson> {
  const who = await person(url, `Somebody in ${slug}`);
  const headers = { authorization: `Bearer ${who.token}`, "content-type": "application/json" };
  await fetch(`${url}/api/rooms`, { method: "POST", headers, body: JSON.stringify({ slug }) });
  await fetch(`${url}/api/rooms/${slug}/enter`, { method: "POST", headers });
  return who;
}
