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

test("two nodes that are spoken to at once tell the same order", async () => {
  const people = await Promise.all(["Ann", "Bob", "Cai", "Dan"].map((nickname) => person(a, nickname)));
  const streams = [await openStream(a, { room: "lobby" }), await openStream(b, { room: "lobby" })];
  await Promise.all(
    people.flatMap((who) => [1, 2, 3, 4, 5].map((n) => say(n % 2 === 0 ? a : b, who, `${who.nickname} ${n}`))),
  );
  const [atA, atB] = await Promise.all(streams.map((stream) => stream.events(4 + 20)));
  expect(atA).toEqual(atB);
  expect(atA?.map((event) => event.seq)).toEqual(Array.from({ length: 24 }, (_, index) => 1 + index));
  expect(new Set(atA?.map((event) => event.text)).size).toBe(21); // 20 messages, and four who entered
  for (const stream of streams) await stream.close();
});

test("a cursor from one node holds on another at once, even if that one is behind", async () => {
  const proxy = await openBadProxy(site.databaseUrl);
  opened.push(proxy);
  const behind = await openNode(proxy.through(site.databaseUrl), OPTIONS);
  opened.push(behind);
  const ann = await person(a, "Ann the second");
  await openRoom("behind");
  const room = "behind";
  const watching = await openStream(behind.url, { room });
  // who reads is not swept in the middle of this
  const present = await openStream(a, { room, token: ann.token });
  await say(a, ann, "first", { room });
  await watching.events(2);
  // a read that is under way would end late and know the next message: one question behind it, and it has ended
  await fetch(`${behind.url}/readyz`);
  proxy.delay(250);
  const { cursor, event } = await say(a, ann, "second", { room });
  const stream = await openStream(behind.url, { room, after: cursor });
  expect(await stream.signal("hello")).toMatchObject({ cursor, heads: { behind: event.seq } });
  // the premise: the node itself has not heard of it yet
  expect(behind.app.site.hub.tails().find((tail) => tail.slug === room)?.head).toBeLessThan(event.seq);
  const poll = fetch(`${behind.url}/api/poll?room=behind&wait=5&after=${cursor}`);
  const third = await say(b, ann, "third", { room });
  expect(await stream.events(1)).toMatchObject([{ seq: third.event.seq, text: "third" }]);
  const polled = (await (await poll).json()) as PollAnswer;
  expect(polled.events[0]).toMatchObject({ seq: third.event.seq, text: "third" });
  expect(await watching.events(2)).toMatchObject([{ text: "second" }, { text: "third" }]);
  for (const one of [stream, watching, present]) await one.close();
});

test("who is here is counted over all nodes", async () => {
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

test("coming back within the grace says nothing, on whichever node", async () => {
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
  await say(a, fay, "is anybody gone?", { room: "tunnel" });
  expect((await watching.events(2)).map((event) => event.kind)).toEqual(["enter", "message"]);
  // and the premise: who stays away for longer is said to have left
  await stream.close();
  // and so is Fay, who has no stream at all
  const gone = await watching.events(2);
  expect(gone.map(({ kind, member }) => `${kind} ${member.nickname}`).sort()).toEqual(["leave Fay", "leave Ida"]);
  await watching.close();
});

test("the members of a node that died without a word leave after the grace, and its visitors are counted no more", async () => {
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
  await pause(2_500); // while his stream is open the grace does not run out
  const answer = await fetch(`${a}/api/poll?room=wake&wait=0&after=${watching.cursor()}`);
  expect(((await answer.json()) as PollAnswer).events).toEqual([]);
  const killed = performance.now();
  await dying.kill("SIGKILL");
  expect(await watching.events(1)).toMatchObject([{ kind: "leave", member: { nickname: "Gus" } }]);
  expect(performance.now() - killed).toBeGreaterThan(500);
  await figures(watching, { members: 0, visitors: 3 });
  // a node's figures hold for 20 s after its last word; the test lets them pass at once
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

/** Waits until these figures are told. */
async function figures(stream: EventStream, wanted: Omit<MembersSignal, "room">): Promise<void> {
  for (;;) {
    const { members, visitors } = (await stream.signal("members")) as MembersSignal;
    if (members === wanted.members && visitors === wanted.visitors) return;
  }
}

/** Time that has to pass for nothing to happen in it. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
