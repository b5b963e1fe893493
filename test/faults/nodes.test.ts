import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { HelloSignal, MembersSignal, PollAnswer } from "../../protocol/event.ts";
import { type EventStream, openStream } from "../../server/testing.ts";
import { openNode, openSite, person, say, type TestPerson, type TestSite } from "../support/app.ts";
import { openBadProxy } from "../support/bad-proxy.ts";
import { query } from "../support/database.ts";
import { endSites, startSite } from "../support/site-process.ts";

const OPTIONS = { graceSeconds: 2 };

let site: TestSite;
let a: string;
let b: string;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  site = await openSite(OPTIONS, 2);
  [a, b] = site.nodes.map((node) => node.url) as [string, string];
});

afterAll(async () => {
  await endSites();
  for (const one of opened.reverse()) await one.close();
  await site?.close();
});

test("two nodes deliver messages that arrive at both in the same order", async () => {
  const people = await Promise.all(["Ann", "Bob", "Cai", "Dan"].map((nickname) => person(a, nickname)));
  const streams = [await openStream(a, { room: "lobby" }), await openStream(b, { room: "lobby" })];
  await Promise.all(
    people.flatMap((who) => [1, 2, 3, 4, 5].map((n) => say(n % 2 === 0 ? a : b, who, `${who.nickname} ${n}`))),
  );
  const [atA, atB] = await Promise.all(streams.map((stream) => stream.events(4 + 20)));
  expect(atA).toEqual(atB);
  expect(atA?.map((event) => event.seq)).toEqual(Array.from({ length: 24 }, (_, index) => 1 + index));
  // 20 messages, and four enter events, which have no text.
  expect(new Set(atA?.map((event) => event.text)).size).toBe(21);
  for (const stream of streams) await stream.close();
});

test("a cursor from one node is valid on another at once, even if that one is behind", async () => {
  const proxy = await openBadProxy(site.databaseUrl);
  opened.push(proxy);
  const behind = await openNode(proxy.through(site.databaseUrl), OPTIONS);
  opened.push(behind);
  const ann = await person(a, "Ann the second");
  await openRoom("behind");
  const room = "behind";
  const watching = await openStream(behind.url, { room });
  // A member with a stream is not swept during the test.
  const present = await openStream(a, { room, token: ann.token });
  await say(a, ann, { text: "first", room });
  await watching.events(2);
  // A read that is running could end late and return the next message. After this request, which is
  // queued behind it, it has ended.
  await fetch(`${behind.url}/readyz`);
  proxy.delay(250);
  const { cursor, event } = await say(a, ann, { text: "second", room });
  const stream = await openStream(behind.url, { room, after: cursor });
  expect(await stream.signal("hello")).toMatchObject({ cursor, heads: { behind: event.seq } });
  // The premise: the node itself does not know this event yet.
  expect(behind.app.site.hub.rooms.all().find((tail) => tail.slug === room)?.head).toBeLessThan(event.seq);
  const poll = fetch(`${behind.url}/api/poll?room=behind&wait=5&after=${cursor}`);
  const third = await say(b, ann, { text: "third", room });
  expect(await stream.events(1)).toMatchObject([{ seq: third.event.seq, text: "third" }]);
  const polled = (await (await poll).json()) as PollAnswer;
  expect(polled.events[0]).toMatchObject({ seq: third.event.seq, text: "third" });
  expect(await watching.events(2)).toMatchObject([{ text: "second" }, { text: "third" }]);
  for (const one of [stream, watching, present]) await one.close();
});

test("members and visitors are counted over all nodes", async () => {
  await openRoom("counted");
  const atA = await openStream(a, { room: "counted" });
  const atB = await openStream(b, { room: "counted" });
  await figures(atA, { members: 0, visitors: 2 });
  await figures(atB, { members: 0, visitors: 2 });
  const eve = await enter(a, "Eve", "counted");
  const asEve = await openStream(b, { room: "counted", token: eve.token });
  await figures(atA, { members: 1, visitors: 2 });
  await asEve.close();
  await atB.close();
  await figures(atA, { members: 1, visitors: 1 });
  await atA.close();
});

test("reconnecting within the grace stores no event, on any node", async () => {
  await openRoom("tunnel");
  const watching = await openStream(a, { room: "tunnel" });
  const ida = await enter(a, "Ida", "tunnel");
  let stream = await openStream(a, { room: "tunnel", token: ida.token });
  expect(await watching.events(1)).toMatchObject([{ kind: "enter" }]);
  const { cursor } = (await stream.signal("hello")) as HelloSignal;
  for (const url of [b, a, b]) {
    await stream.close();
    await pause(400);
    stream = await openStream(url, { room: "tunnel", after: cursor, token: ida.token });
  }
  const fay = await person(a, "Fay");
  await say(a, fay, { text: "has anybody left?", room: "tunnel" });
  expect((await watching.events(2)).map((event) => event.kind)).toEqual(["enter", "message"]);
  // The premise: a member that stays away for longer leaves.
  await stream.close();
  // So does Fay, who has no stream at all.
  const gone = await watching.events(2);
  expect(gone.map(({ kind, member }) => `${kind} ${member.nickname}`).sort()).toEqual(["leave Fay", "leave Ida"]);
  await watching.close();
});

test("the members of a node that was killed leave after the grace, and its visitors are no longer counted", async () => {
  await openRoom("wake");
  const watching = await openStream(a, { room: "wake", timeoutMs: 10_000 });
  const dying = await startSite(site.databaseUrl, { CHATTERA_GRACE_SECONDS: "2" });
  const gus = await enter(a, "Gus", "wake");
  const streams = [
    await openStream(dying.url, { room: "wake", token: gus.token }),
    await openStream(dying.url, { room: "wake" }),
    await openStream(dying.url, { room: "wake" }),
  ];
  expect(await watching.events(1)).toMatchObject([{ kind: "enter" }]);
  await figures(watching, { members: 1, visitors: 3 });
  await pause(2_500);
  // While the stream is open, the member stays.

  const answer = await fetch(`${a}/api/poll?room=wake&wait=0&after=${watching.cursor()}`);
  expect(((await answer.json()) as PollAnswer).events).toEqual([]);
  const killed = performance.now();
  await dying.kill("SIGKILL");
  expect(await watching.events(1)).toMatchObject([{ kind: "leave", member: { nickname: "Gus" } }]);
  expect(performance.now() - killed).toBeGreaterThan(500);
  await figures(watching, { members: 0, visitors: 3 });
  // A node's figures expire 20 s after it wrote them. The test has them expire at once.
  await query(site.databaseUrl, "update watchers set seen_at = seen_at - interval '20 seconds' where visitors = 2");
  await figures(watching, { members: 0, visitors: 1 });
  for (const stream of [...streams, watching]) await stream.close();
}, 30_000);

async function openRoom(slug: string): Promise<void> {
  const response = await fetch(`${a}/api/rooms`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ slug }),
  });
  expect(response.status).toBe(201);
}

async function enter(url: string, nickname: string, room: string): Promise<TestPerson> {
  const who = await person(url, nickname);
  const response = await fetch(`${url}/api/rooms/${room}/enter`, {
    method: "POST",
    headers: { authorization: `Bearer ${who.token}` },
  });
  expect(response.status).toBe(200);
  return who;
}

/** Waits until the stream has sent these figures. */
async function figures(stream: EventStream, wanted: Omit<MembersSignal, "room">): Promise<void> {
  for (;;) {
    const { members, visitors } = (await stream.signal("members")) as MembersSignal;
    if (members === wanted.members && visitors === wanted.visitors) return;
  }
}

/** Waits while nothing may happen. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
