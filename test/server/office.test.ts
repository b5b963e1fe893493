import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createDatabase, query } from "../support/database.ts";
import { endSites, type SiteProcess, startSite } from "../support/site-process.ts";
import { until } from "../support/until.ts";
import { type From, from, type HeldRequest, type VisitorReply } from "../support/visitor.ts";

/** As many people as the shares are meant for. */
const PEOPLE = 200;

let database: Awaited<ReturnType<typeof createDatabase>>;
let site: SiteProcess;
let office: From;
let raid: From;
let neighbor: From;

type Person = { authorization: { authorization: string }; stream?: HeldRequest };

const people: Person[] = [];

// The site is a process of its own, as shipped, so that the 200 people in this one do not slow it.
beforeAll(async () => {
  database = await createDatabase();
  site = await startSite(database.url, { CHATTERA_LIMITS: "on" });
  // Slow mode, which a raid switches on, would slow the office's newcomers, too.
  await query(database.url, `update rooms set settings = '{"autoSlow": false}'`);
  office = from(site.url, "127.0.0.5");
  raid = from(site.url, "127.0.0.66");
  neighbor = from(site.url, "127.0.0.9");
}, 30_000);

afterAll(async () => {
  for (const visitor of [office, raid, neighbor]) visitor?.close();
  await endSites();
  await database.drop();
});

const all = <T>(count: number, make: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => make(n)));

/** How often each status was answered, e.g. `{ 200: 199, 429: 1 }`. */
function tally(replies: VisitorReply[]): { [status: number]: number } {
  const counts: { [status: number]: number } = {};
  for (const { status } of replies) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

let messages = 0;

async function say(
  who: From,
  authorization: Person["authorization"],
  room = "lobby",
): Promise<VisitorReply & { ms: number }> {
  messages += 1;
  const sentAt = performance.now();
  const message = { id: `office-${process.pid}-${messages}`, text: `message ${messages}` };
  const reply = await who.post(`/api/rooms/${room}/messages`, message, authorization);
  return { ...reply, ms: performance.now() - sentAt };
}

test("200 people behind one address choose nicknames and enter, 100 of them at once", async () => {
  const sessions = await all(PEOPLE, (n) => office.post("/api/session", { nickname: `Person ${n}` }));
  expect(tally(sessions)).toEqual({ 201: PEOPLE });
  for (const { body } of sessions) people.push({ authorization: { authorization: `Bearer ${body.token}` } });
  const enter = (person: Person | undefined) =>
    office.post("/api/rooms/lobby/enter", {}, person?.authorization as Person["authorization"]);
  expect(tally(await all(100, (n) => enter(people[n])))).toEqual({ 200: 100 });
  for (let n = 100; n < PEOPLE; n += 20) expect(tally(await all(20, (i) => enter(people[n + i])))).toEqual({ 200: 20 });
}, 60_000);

test("all of them open the room, its stream and its history, and reload at once, twice", async () => {
  const path = "/api/events?room=lobby";
  for (const person of people) person.stream = await office.hold(path, person.authorization);
  await until("all are live", () => people.every(({ stream }) => stream?.text().includes("event: hello")));
  for (const _storm of [1, 2])
    expect(tally(await all(PEOPLE, () => office.get("/rooms/lobby")))).toEqual({ 200: PEOPLE });
  const history = await all(PEOPLE, () => office.get("/api/rooms/lobby/messages?limit=50"));
  expect(tally(history)).toEqual({ 200: PEOPLE });
}, 60_000);

test("they send 20 messages a second and read them all, while another address raids the room", async () => {
  const seconds = 6;
  const raiders = await all(60, (n) => raid.post("/api/session", { nickname: `Raider ${n}` }));
  let isRaiding = true;
  const raided: VisitorReply[] = [];
  const raiding = raiders.map(async ({ body }) => {
    while (isRaiding) {
      raided.push(await say(raid, { authorization: `Bearer ${body.token}` }));
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  });
  // The office is measured after the raid has spent its burst, because only the share must last.
  await until("the raid meets its limit", () => raided.some(({ status }) => status === 429), 20_000);
  const before = raided.filter(({ status }) => status === 201).length;
  const startedAt = performance.now();
  const said: Promise<VisitorReply & { ms: number }>[] = [];
  for (let n = 0; n < seconds * 20; n += 1) {
    const { authorization } = people[n % PEOPLE] as Person;
    said.push(say(office, authorization));
    await new Promise((resolve) => setTimeout(resolve, startedAt + (n + 1) * 50 - performance.now()));
  }
  const replies = await Promise.all(said);
  const tookSeconds = (performance.now() - startedAt) / 1000;
  isRaiding = false;
  await Promise.all(raiding);
  expect(tally(replies)).toEqual({ 201: seconds * 20 });
  const passed = raided.filter(({ status }) => status === 201).length - before;
  expect(passed).toBeLessThan(30 * (tookSeconds + 3));
  expect(raided.find(({ status }) => status === 429)?.body.detail).toMatch(/from your network|from you\./);
  const texts = replies.map(({ text }) => JSON.parse(text).event.text as string);
  await until("everyone has read them all", () =>
    people.every(({ stream }) => texts.every((text) => stream?.text().includes(`"${text}"`))),
  );
  const slowest = replies.map(({ ms }) => ms).sort((one, other) => one - other);
  expect(slowest[Math.floor(slowest.length / 2)]).toBeLessThan(300);
}, 60_000);

test("all of them lose their streams, and reconnect at once from before the first message", async () => {
  const start = (await office.get("/api/rooms/lobby/messages?limit=1")).body.events?.[0]?.seq as number;
  const { cursor } = (await office.get("/api/poll?room=lobby&wait=0")).body;
  const after = cursor.replace(/\.[a-z]*(\d+)-\d+$/, ".$1-1");
  // Streams need a few pages each.
  expect(start).toBeGreaterThan(600);
  for (const { stream } of people) stream?.close();
  await all(PEOPLE, async (n) => {
    const person = people[n] as Person;
    person.stream = await office.hold(`/api/events?room=lobby&after=${after}`, person.authorization);
  });
  const last = `"seq":${start},`;
  await until("everyone has caught up", () => people.every(({ stream }) => stream?.text().includes(last)), 20_000);
}, 60_000);

test("nobody of them was sent away, and a neighbor reads and speaks as before", async () => {
  expect(people.filter(({ stream }) => stream?.isOver()).length).toBe(0);
  const { body } = await neighbor.post("/api/session", { nickname: "Neighbor" });
  expect((await say(neighbor, { authorization: `Bearer ${body.token}` })).status).toBe(201);
  expect((await neighbor.get("/rooms/lobby")).status).toBe(200);
});
