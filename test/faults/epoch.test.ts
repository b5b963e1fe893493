import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { compareProgress } from "../../db/log/log.ts";
import type { HelloSignal, PollAnswer, ResetSignal } from "../../protocol/event.ts";
import { openStream } from "../../server/testing.ts";
import { openNode, openSite, person, say, type TestNode, type TestPerson, type TestSite } from "../support/app.ts";
import { databaseUrl, dropDatabase, query, testServer } from "../support/database.ts";
import { until } from "../support/until.ts";

let site: TestSite;
let node: TestNode;
let ann: TestPerson;
let cursors: string[];

beforeEach(async () => {
  site = await openSite();
  node = site.nodes[0] as TestNode;
  ann = await person(node.url, "Ann");
  cursors = [];
  for (const text of ["one", "two", "three", "four"]) cursors.push((await say(node.url, ann, text)).cursor);
});

afterEach(() => site?.close());

test("a copied database is another log, in which every cursor of the first gets a reset before any event", async () => {
  const { url } = testServer();
  const copy = `${new URL(site.databaseUrl).pathname.slice(1)}_copy`;
  await site.nodes.pop()?.close(); // A database with connections cannot be copied.
  await query(url, `create database ${copy} template ${new URL(site.databaseUrl).pathname.slice(1)}`);
  const opened = await openNode(databaseUrl(url, copy));
  try {
    // The premise: it has the same events.
    const history = await (await fetch(`${opened.url}/api/rooms/lobby/messages`)).json();
    expect(history).toMatchObject({ events: [{ kind: "enter" }, {}, {}, {}, { seq: 5, text: "four" }], oldest: 1 });
    for (const cursor of cursors) await expectReset(opened, cursor, { reason: "epoch", oldest: 1, head: 5 });
  } finally {
    await opened.close();
    await dropDatabase(url, copy);
  }
});

test("when the log of a running node is replaced, it sends every reader away, and their cursors get a reset", async () => {
  const stream = await openStream(node.url, { room: "lobby", timeoutMs: 8_000 });
  const { cursor } = (await stream.signal("hello")) as HelloSignal;
  const parked = fetch(`${node.url}/api/poll?room=lobby&wait=20&after=${cursor}`);
  await until("both read", () => node.app.site.hub.readers.size === 2);
  // A restore has the same effect: the same rows in another database.
  await query(site.databaseUrl, "update log set fingerprint = 'elsewhere'");
  const retry = expect.any(Number);
  expect(await stream.signal("bye")).toEqual({ retry });
  await expect(stream.events(1)).rejects.toThrow("the stream ended");
  const bye = { signal: "bye", retry };
  expect(await (await parked).json()).toMatchObject({ events: [], cursor, signals: expect.arrayContaining([bye]) });
  await expectReset(node, cursor, { reason: "epoch", oldest: 1, head: 5 });
  const receipt = await say(node.url, ann, "in the new log");
  expect(receipt.cursor.split(".")[0]).not.toBe(cursor.split(".")[0]);
  await stream.close();
});

test("when an older copy of the data is put back under a running node, every reader gets a reset", async () => {
  const stream = await openStream(node.url, { room: "lobby", timeoutMs: 15_000 });
  const { cursor } = (await stream.signal("hello")) as HelloSignal;
  // The rows of the copy, in the same place.
  await query(site.databaseUrl, "delete from events where seq > 3; update rooms set last_seq = 3 where slug = 'lobby'");
  await expect(stream.events(1)).rejects.toThrow("the stream ended");
  await expectReset(node, cursor, { reason: "epoch", oldest: 1, head: 3 });
  const receipt = await say(node.url, ann, "after the copy");
  expect(receipt.event.seq).toBe(4);
  await stream.close();
});

test("when an older copy is put back while no node runs, a reader that saw more gets a reset, however long the log is then", async () => {
  // The cursors with which a kept connection and a stream have to come back.
  const lost = cursors.slice(-2) as [string, string];
  const kept = cursors[1] as string;
  await site.nodes.pop()?.close();
  await query(site.databaseUrl, "delete from events where seq > 3; update rooms set last_seq = 3 where slug = 'lobby'");
  const restarted = await openNode(site.databaseUrl);
  try {
    const bob = await person(restarted.url, "Bob");
    for (const text of ["other", "messages", "under", "these", "numbers"]) await say(restarted.url, bob, text);
    // Also at a node that has just started.
    const fresh = await openNode(site.databaseUrl);
    for (const opened of [restarted, fresh])
      for (const cursor of lost) await expectReset(opened, cursor, { reason: "epoch", oldest: 1, head: 9 });
    const stream = await openStream(fresh.url, { room: "lobby", after: kept });
    expect(await stream.events(2)).toMatchObject([
      { seq: 4, kind: "enter" },
      { seq: 5, text: "other" },
    ]);
    await stream.close();
    // A cursor of before this version has no checksum, and goes on.
    const former = (lost[0] as string).replace(/\.[a-z]{3}/, ".");
    const answer = await (await fetch(`${fresh.url}/api/poll?room=lobby&wait=0&after=${former}`)).json();
    expect(answer).toMatchObject({ events: [{ seq: 5 }, { seq: 6 }, { seq: 7 }, { seq: 8 }, { seq: 9 }] });
    await fresh.close();
  } finally {
    await restarted.close();
  }
});

test("a database whose WAL became shorter holds another log, though no room is open", async () => {
  const { db } = node.app.site;
  const { flushed, hasGoneBack } = await compareProgress(db, { heads: new Map(), flushed: undefined });
  expect([flushed, hasGoneBack]).toEqual([expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/), false]);
  expect(await compareProgress(db, { heads: new Map(), flushed })).toMatchObject({ hasGoneBack: false });
  expect(await compareProgress(db, { heads: new Map(), flushed: "FFFFFFFF/0" })).toMatchObject({ hasGoneBack: true });
});

test("a cursor from the future gets a reset with that reason", async () => {
  const future = (cursors.at(-1) as string).replace(/\d+$/, "99");
  await expectReset(node, future, { reason: "future", oldest: 1, head: 5 });
});

test("a cursor older than the kept events gets a reset with the oldest kept seq, and one at the edge continues", async () => {
  // The tail in this node's memory still has these events. Another node has only the log.
  await query(site.databaseUrl, "delete from events where seq <= 3");
  const fresh = await openNode(site.databaseUrl);
  const [afterTwo, afterThree] = [cursors[0] as string, cursors[1] as string];
  expect(afterTwo).toMatch(/-2$/);
  await expectReset(fresh, afterTwo, { reason: "pruned", oldest: 4, head: 5 });
  const stream = await openStream(fresh.url, { room: "lobby", after: afterThree });
  expect(await stream.events(2)).toMatchObject([{ seq: 4 }, { seq: 5 }]);
  await stream.close();
  await fresh.close();
});

/**
 * Expects a reset and nothing before it, on a stream and on a poll. Its cursor continues at the
 * head.
 */
async function expectReset(of: TestNode, after: string, expected: Partial<ResetSignal>): Promise<void> {
  const response = await fetch(`${of.url}/api/events?room=lobby&after=${after}`);
  const frames = response.body?.pipeThrough(new TextDecoderStream()) as ReadableStream<string>;
  let text = "";
  for await (const piece of frames) {
    text += piece;
    if (/^event: reset\ndata: .*\nid: .*\n\n/m.test(text)) break;
  }
  expect(text).toMatch(/^event: hello\n/);
  expect(text.slice(0, text.indexOf("event: reset"))).not.toMatch(/"seq":/);
  const reset = JSON.parse(/^event: reset\ndata: (.*)$/m.exec(text)?.[1] ?? "") as ResetSignal;
  expect(reset).toMatchObject({ room: "lobby", ...expected });
  const poll = (await (await fetch(`${of.url}/api/poll?room=lobby&wait=0&after=${after}`)).json()) as PollAnswer;
  expect(poll).toMatchObject({ events: [], reset: expected });
  for (const cursor of [reset.cursor, poll.cursor, poll.reset?.cursor]) {
    const next = await fetch(`${of.url}/api/poll?room=lobby&wait=0&after=${cursor}`);
    expect(await next.json()).not.toHaveProperty("reset");
  }
}
