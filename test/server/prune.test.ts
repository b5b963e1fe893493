import { afterEach, beforeEach, expect, test } from "@jest/globals";
import request from "supertest";
import type { PollAnswer, ResetSignal } from "../../protocol/event.ts";
import { type EventStream, openStream } from "../../server/testing.ts";
import { pruneAll } from "../../server/upkeep/pruning.ts";
import {
  clientId,
  openNode,
  openSite,
  person,
  say,
  type TestNode,
  type TestPerson,
  type TestSite,
} from "../support/app.ts";

let site: TestSite;
let node: TestNode;
let ann: TestPerson;
/** The seq after Ann's messages, which have the seqs 2 to 6; 1 is her entering. */
let cursors: string[];
/** Closes everything that a test opened, in that order. */
const toClose: (() => Promise<void>)[] = [];

beforeEach(async () => {
  site = await openSite();
  node = site.nodes[0] as TestNode;
  ann = await person(node.url, "Ann");
  cursors = [];
  for (const text of ["old", "older than most", "old too", "young", "younger"])
    cursors.push((await say(node.url, ann, text)).cursor);
});

afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
  await site.close();
});

/** The first node still has the tail in memory. Another one has only the log. */
async function openFresh(): Promise<TestNode> {
  const fresh = await openNode(site.databaseUrl);
  toClose.push(fresh.close);
  return fresh;
}

async function open(url: string, after: string): Promise<EventStream> {
  const stream = await openStream(url, { room: "lobby", after });
  toClose.push(stream.close);
  return stream;
}

/** Makes everything up to this seq a year old, and prunes it. */
async function pruneUpTo(seq: number): Promise<void> {
  const { db } = node.app.site;
  await db("events")
    .where("seq", "<=", seq)
    .update({ at: db.raw("now() - interval '1 year'") });
  expect(await pruneAll(db, 30)).toEqual({ events: seq, isDone: true });
}

async function poll(url: string, after: string): Promise<PollAnswer> {
  return (await request(url).get("/api/poll").query({ room: "lobby", wait: 0, after }).expect(200)).body;
}

test("a stream and a poll from before the oldest kept event get a reset, and continue at that event", async () => {
  await pruneUpTo(4);
  const fresh = await openFresh();
  const reset = { room: "lobby", reason: "pruned", oldest: 5, head: 6 };
  const stream = await open(fresh.url, cursors[0] as string);
  const signal = (await stream.signal("reset")) as ResetSignal;
  expect(signal).toMatchObject(reset);
  const answer = await poll(fresh.url, cursors[0] as string);
  expect(answer).toMatchObject({ events: [], reset });
  await say(node.url, ann, "news");
  const kept = [{ seq: 5, text: "young" }, { seq: 6 }, { seq: 7, text: "news" }];
  expect(await stream.events(3)).toMatchObject(kept);
  expect((await poll(fresh.url, answer.cursor)).events).toMatchObject(kept);
});

test("a cursor whose next event is the oldest one kept continues without a reset", async () => {
  await pruneUpTo(4);
  const fresh = await openFresh();
  const answer = await poll(fresh.url, cursors[2] as string);
  expect(answer).not.toHaveProperty("reset");
  expect(answer.events.map((event) => event.seq)).toEqual([5, 6]);
});

test("a live reader is not disturbed, even if nothing is left of the room", async () => {
  const stream = await open(node.url, cursors[4] as string);
  await pruneUpTo(6);
  await say(node.url, ann, "news");
  expect(await stream.events(1)).toMatchObject([{ seq: 7, text: "news" }]);
  const fresh = await openFresh();
  expect(await poll(fresh.url, cursors[4] as string)).not.toHaveProperty("reset");
});

test("history ends at the oldest event kept, and names it", async () => {
  await pruneUpTo(4);
  const page = async (query: object) =>
    (await request(node.url).get("/api/rooms/lobby/messages").query(query).expect(200)).body;
  const newest = await page({});
  expect(newest.oldest).toBe(5);
  expect(newest.events.map((event: { seq: number }) => event.seq)).toEqual([5, 6]);
  expect(await page({ before: 5 })).toMatchObject({ events: [], oldest: 5 });
});

test("a message that is resent after its first copy was pruned is stored again", async () => {
  const id = clientId();
  const first = await say(node.url, ann, { text: "twice", id });
  expect((await say(node.url, ann, { text: "twice", id })).event.seq).toBe(first.event.seq);
  await pruneUpTo(7);
  expect((await say(node.url, ann, { text: "twice", id })).event.seq).toBe(8);
});

test("a site that keeps 30 days closes while it waits to prune", async () => {
  const keeper = await openNode(site.databaseUrl, { historyDays: 30 });
  expect(keeper.app.site.config.historyDays).toBe(30);
  await keeper.close();
});
