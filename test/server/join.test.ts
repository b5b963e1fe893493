import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { parseCursor } from "../../protocol/cursor.ts";
import type { HelloSignal, PollAnswer, RoomEvent } from "../../protocol/event.ts";
import { openStream } from "../../server/testing.ts";
import { openSite, person, say, type TestPerson, type TestSite } from "../support/app.ts";
import { until } from "../support/until.ts";

const READERS = 30;
const WRITERS = 4;
const MESSAGES_EACH = 60;
const THE_END = "the end";

/** One reader: its way of reading, its first position, and the seqs it received. */
type Reading = { how: string; after: number; seqs: number[] };

let site: TestSite;
let urls: string[];

beforeAll(async () => {
  site = await openSite({}, 2);
  urls = site.nodes.map((node) => node.url);
});

afterAll(() => site?.close());

test("a reader that joins a busy room receives every message from its cursor on, once and in order", async () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  const random = randomFrom(seed);
  const cursors: string[] = [];
  const people = await Promise.all(
    Array.from({ length: WRITERS }, (_, n) => person(pick(urls, random), `Writer ${n}`)),
  );
  for (const one of people) cursors.push((await say(pick(urls, random), one, "I am in")).cursor);
  let isSpeaking = true;
  const last = Promise.all(people.map((one) => speak(one, random, cursors))).then(async () => {
    isSpeaking = false;
    return (await say(urls[0] as string, people[0] as TestPerson, THE_END)).event.seq;
  });
  const readings: Promise<Reading>[] = [];
  let joinedWhileSpeaking = 0;
  for (let n = 0; n < READERS; n += 1) {
    await sayCountReaches(cursors, WRITERS + Math.floor((n * WRITERS * MESSAGES_EACH * 0.8) / READERS));
    joinedWhileSpeaking += Number(isSpeaking);
    const after = random() < 0.3 ? undefined : pick(cursors, random);
    const read = n % 2 === 0 ? readStream : readPolls;
    readings.push(read(pick(urls, random), pick(urls, random), after));
  }
  expect(joinedWhileSpeaking).toBeGreaterThan(READERS / 2);
  const end = await last;
  expect(end).toBe(WRITERS * (MESSAGES_EACH + 2) + 1);
  for (const { how, after, seqs } of await Promise.all(readings)) {
    const expected = Array.from({ length: end - after }, (_, index) => after + 1 + index);
    expect({ seed, how, after, seqs }).toEqual({ seed, how, after, seqs: expected });
  }
}, 30_000);

/** Sends all messages of one person, one after another, on either node. */
async function speak(one: TestPerson, random: () => number, cursors: string[]): Promise<void> {
  for (let n = 0; n < MESSAGES_EACH; n += 1) cursors.push((await say(pick(urls, random), one, `message ${n}`)).cursor);
}

async function sayCountReaches(cursors: string[], count: number): Promise<void> {
  await until(`${count} messages are sent`, () => cursors.length >= count, 10_000);
}

/** Reads a stream and, after some events, another one from its cursor on the other node. */
async function readStream(url: string, otherUrl: string, after: string | undefined): Promise<Reading> {
  const events: RoomEvent[] = [];
  let stream = await openStream(url, { room: "lobby", ...(after && { after }), timeoutMs: 15_000 });
  const { cursor } = (await stream.signal("hello")) as HelloSignal;
  const start = seqOf(cursor);
  await read(20);
  const position = stream.cursor() || cursor;
  await stream.close();
  stream = await openStream(otherUrl, { room: "lobby", after: position, timeoutMs: 15_000 });
  await read(Number.POSITIVE_INFINITY);
  await stream.close();
  return { how: "stream", after: start, seqs: events.map((event) => event.seq) };

  /** Reads `count` more events, or all up to the last message. */
  async function read(count: number): Promise<void> {
    for (let n = 0; n < count && events.at(-1)?.text !== THE_END; n += 1) events.push(...(await stream.events(1)));
  }
}

/** Polls repeatedly, each time on the other node. */
async function readPolls(url: string, otherUrl: string, after: string | undefined): Promise<Reading> {
  const seqs: number[] = [];
  let answer = await poll(url, after, 0);
  const start = after === undefined ? seqOf(answer.cursor) - answer.events.length : seqOf(after);
  for (let n = 0; ; n += 1) {
    expect(answer.reset).toBeUndefined();
    seqs.push(...answer.events.map((event) => event.seq));
    if (answer.events.at(-1)?.text === THE_END) return { how: "poll", after: start, seqs };
    answer = await poll(n % 2 === 0 ? otherUrl : url, answer.cursor, 5);
  }
}

async function poll(url: string, after: string | undefined, wait: number): Promise<PollAnswer> {
  const query = new URLSearchParams({ room: "lobby", wait: String(wait), ...(after && { after }) });
  const response = await fetch(`${url}/api/poll?${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as PollAnswer;
}

function seqOf(cursor: string): number {
  return [...(parseCursor(cursor)?.seqs.values() ?? [])][0] as number;
}

function pick<T>(list: T[], random: () => number): T {
  return list[Math.floor(random() * list.length)] as T;
}

/**
 * Returns mulberry32, a generator of the same numbers for a seed, so that SEED=… repeats a failure.
 */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
