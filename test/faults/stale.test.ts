import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ByeSignal, PingSignal, PollAnswer } from "../../protocol/event.ts";
import { type EventStream, openStream } from "../../server/testing.ts";
import { openNode, person, say, type TestNode } from "../support/app.ts";
import { type BadProxy, openBadProxy } from "../support/bad-proxy.ts";
import { createDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";

/** A node behind a proxy to its database, a stream of its lobby, and pages of it without script. */
type Watched = { proxy: BadProxy; node: TestNode; stream: EventStream; pages: GrowingPage[] };

/** A page that grows. `text` is what has come so far. */
type GrowingPage = { text: string; end(): void };

let databases: Awaited<ReturnType<typeof createDatabase>>[];
let healthy: Watched;
let cut: Watched;
/** Two nodes of another site, which are both cut off. */
let lonely: Watched[];

// The tests wait for the same time to pass, so all nodes are cut off at once.
beforeAll(async () => {
  databases = [await createDatabase(), await createDatabase()];
  const [one, other] = databases.map(({ url }) => url) as [string, string];
  [healthy, cut] = [await open(one), await open(one)];
  lonely = [await open(other), await open(other)];
  for (const watched of [cut, ...lonely]) await watched.proxy.refuse();
}, 60_000);

afterAll(async () => {
  for (const { stream, node, proxy, pages } of [healthy, cut, ...lonely]) {
    for (const page of pages) page.end();
    await proxy.pass();
    await stream.close();
    await node.close();
    await proxy.close();
  }
  for (const database of databases) await database.drop();
});

test("a node that is cut off says so after 10 s, and sends its readers away, since another can serve", async () => {
  const poll = fetch(`${cut.node.url}/api/poll?room=lobby&wait=55&after=${await cursorOf(cut)}`);
  const { stale } = await stalePing(cut.stream);
  expect(stale).toBeGreaterThanOrEqual(10);
  const { retry, reason } = (await cut.stream.signal("bye")) as ByeSignal;
  expect(retry).toBeGreaterThanOrEqual(1_000);
  expect(reason).toBeUndefined();
  const answer = (await (await poll).json()) as PollAnswer;
  expect(answer).toMatchObject({ signals: expect.arrayContaining([{ signal: "bye", retry: expect.any(Number) }]) });
  expect(answer.stale).toBeGreaterThanOrEqual(10);
  // A newcomer is sent away at once, and a poll does not keep a connection to this node.
  const refused = await fetch(`${cut.node.url}/api/events?room=lobby&after=${answer.cursor}`);
  expect([refused.status, await refused.text()]).toEqual([200, expect.stringMatching(/^event: bye\n/)]);
  const again = await fetch(`${cut.node.url}/api/poll?room=lobby&wait=55&after=${answer.cursor}`);
  expect([again.headers.get("connection"), await again.json()]).toMatchObject(["close", { cursor: answer.cursor }]);
  // There, everything goes on.
  const ann = await person(healthy.node.url, "Ann");
  const { event } = await say(healthy.node.url, ann, "over here");
  const moved = await openStream(healthy.node.url, { room: "lobby", after: answer.cursor });
  expect(await moved.events(2)).toMatchObject([{ kind: "enter" }, { seq: event.seq, text: "over here" }]);
  await moved.close();
}, 60_000);

test("nodes that are all cut off keep their readers, and their pings show when the log is read again", async () => {
  // By then, they have asked each other several times.
  for (const { stream } of lonely) expect((await stalePing(stream, 20)).stale).toBeGreaterThan(20);
  expect(lonely.map(({ node }) => node.app.site.hub.readers.size)).toEqual([3, 3]);
  for (const { proxy } of lonely) await proxy.pass();
  const [one, other] = lonely as [Watched, Watched];
  for (const { stream } of lonely) expect(await freshPing(stream)).not.toHaveProperty("stale");
  const ann = await until("the database answers again", () => person(one.node.url, "Ann").catch(() => undefined));
  await say(one.node.url, ann, "back again");
  expect(await other.stream.events(2)).toMatchObject([{ kind: "enter" }, { text: "back again" }]);
}, 60_000);

test("a page that grows without script says once that no messages come, and once that they come again", async () => {
  const [english, japanese] = (lonely[0] as Watched).pages as [GrowingPage, GrowingPage];
  await until("both say so", () => english.text.includes("again.") && japanese.text.includes("ふたたび"));
  for (const [page, sentences] of [
    [
      english,
      ["The server cannot reach its database. New messages will come later.", "The server reaches its database"],
    ],
    [
      japanese,
      ["サーバーがデータベースに接続できません。新しい発言は後から届きます。", "サーバーがデータベースにふたたび"],
    ],
  ] as const) {
    const pieces = page.text.split(new RegExp(sentences.join("|")));
    expect(pieces).toHaveLength(3);
    expect(pieces[1]).not.toContain("back again");
    await until("the message came after it", () => page.text.split(sentences[1])[1]?.includes("back again"));
  }
});

test("a node answers for itself only if another one asks for it by its name", async () => {
  const { url, app } = healthy.node;
  const ready = await fetch(`${url}/readyz?node=${app.site.name}`);
  expect([ready.status, await ready.json()]).toMatchObject([200, { checks: { node: true } }]);
  const mistaken = await fetch(`${url}/readyz?node=${cut.node.app.site.name}`);
  expect([mistaken.status, await mistaken.json()]).toMatchObject([503, { checks: { node: false } }]);
});

async function open(databaseUrl: string): Promise<Watched> {
  const proxy = await openBadProxy(databaseUrl);
  const node = await openNode(proxy.through(databaseUrl));
  const { bus, peers } = node.app.site;
  await until("the bus is listening", () => bus.isListening());
  // `chattera serve` does this once it listens.
  peers.announce([node.url]);
  const stream = await openStream(node.url, { room: "lobby", timeoutMs: 30_000 });
  return { proxy, node, stream, pages: [await openPage(node.url, "en"), await openPage(node.url, "ja")] };
}

async function read({ body }: Response, take: (text: string) => void): Promise<void> {
  for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? []) take(text);
}

/** Opens a page that lives long, since its browser has shown that it grows there. */
async function openPage(url: string, language: string): Promise<GrowingPage> {
  const over = new AbortController();
  const headers = { "Accept-Language": language, Cookie: "arrives=1" };
  const answer = await fetch(`${url}/rooms/lobby/live`, { headers, signal: over.signal });
  const page: GrowingPage = { text: "", end: () => over.abort() };
  void read(answer, (text) => {
    page.text += text;
  }).catch(() => undefined);
  return page;
}

async function cursorOf({ stream }: Watched): Promise<string> {
  return ((await stream.signal("hello")) as { cursor: string }).cursor;
}

/** Returns the next ping that says that the log was read more than these seconds ago. */
async function stalePing(stream: EventStream, seconds = 0): Promise<PingSignal> {
  for (;;) {
    const ping = (await stream.signal("ping")) as PingSignal;
    if (ping.stale !== undefined && ping.stale > seconds) return ping;
  }
}

/** Returns the next ping without them. */
async function freshPing(stream: EventStream): Promise<PingSignal> {
  for (;;) {
    const ping = (await stream.signal("ping")) as PingSignal;
    if (ping.stale === undefined) return ping;
  }
}
