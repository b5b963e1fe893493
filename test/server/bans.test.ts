import { beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import type { RoomEvent } from "../../protocol/event.ts";
import { openStream } from "../../server/testing.ts";
import { clientId, openNode, type TestNode, type TestPerson } from "../support/app.ts";
import { OPERATOR_SECRET, operator, type TestOperator } from "../support/operator.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const options = { operatorSecret: OPERATOR_SECRET, trustProxy: ["loopback"] };
const site = useSite(options);
const room = "/api/rooms/lobby";

let op: TestOperator;

beforeAll(async () => {
  op = await operator(site.url);
});

/** A person, and the address from which it comes. */
type Comer = TestPerson & { address: string };

let people = 0;

async function comer(nickname: string, address = `192.0.2.${++people}`): Promise<Comer> {
  const { body, headers } = await request(site.url)
    .post("/api/session")
    .set("x-forwarded-for", address)
    .send({ nickname })
    .expect(201);
  const cookie = String(headers["set-cookie"]).split(";")[0] ?? "";
  return { id: body.member.id, nickname, token: body.token, cookie, address };
}

const headersOf = ({ token, address }: Comer) => ({ authorization: `Bearer ${token}`, "x-forwarded-for": address });

function post(who: Comer, path: string, body: object = {}): request.Test {
  return request(site.url).post(path).set(headersOf(who)).send(body);
}

const get = (who: Comer, path: string) => request(site.url).get(path).set(headersOf(who));

const speak = (who: Comer, text = "words", id = clientId()) => post(who, `${room}/messages`, { id, text });

async function ban(body: object, path = `${room}/bans`): Promise<number> {
  return (await op.post(path, body).expect(201)).body.ban.id;
}

async function log(): Promise<RoomEvent[]> {
  return (await request(site.url).get(`${room}/messages?limit=200`)).body.events;
}

async function networkOf(who: Comer): Promise<string> {
  const { people: seen } = (await op.get(`${room}/networks`).expect(200)).body;
  return seen.find(({ id }: { id: string }) => id === who.id).network;
}

describe("a silence", () => {
  test("holds for a token that was issued before, for every way to speak, until it is lifted", async () => {
    const ann = await comer("Ann");
    const { event } = (await speak(ann, "before").expect(201)).body;
    const id = await ban({ member: ann.id, act: "silence", reason: "rude" });
    await speak(ann).expect(403, /"code":"silenced"/);
    const batch = await post(ann, `${room}/messages`, { messages: [{ id: clientId(), text: "x" }] });
    expect(batch.text).toMatch(/"code":"silenced"/);
    await get(ann, `${room}/say?id=${clientId()}&text=x&token=${ann.token}`).expect(403);
    await post(ann, `${room}/messages/${event.seq}/edit`, { text: "edited" }).expect(403);
    await post(ann, `${room}/typing`).expect(403);
    await get(ann, `${room}/messages`).expect(200);
    expect((await op.get(`${room}/bans`)).body.bans).toMatchObject([{ id, value: ann.id, reason: "rude" }]);
    await op.post(`${room}/bans/lift`, { ban: id }).expect(200);
    await op.post(`${room}/bans/lift`, { ban: id }).expect(404, /"code":"no_such_ban"/);
    await speak(ann).expect(201);
  });

  test("of a network holds for everybody who comes from it, new sessions too, and for nobody else", async () => {
    const [ben, cat] = [await comer("Ben", "198.51.100.1"), await comer("Cat", "198.51.100.2")];
    for (const who of [ben, cat]) await speak(who).expect(201);
    const network = await networkOf(ben);
    expect((await op.get(`/api/operate/bans/hit?network=${network}`)).body).toMatchObject({ present: 1, sessions: 1 });
    await ban({ network, act: "silence" }, "/api/operate/bans");
    await speak(ben).expect(403, /"code":"silenced"/);
    await speak(await comer("Ben again", "198.51.100.1")).expect(403);
    // The same token from elsewhere.
    await speak({ ...ben, address: "198.51.100.9" }).expect(201);
    await speak(cat).expect(201);
  });

  test("of an IPv6 /48 holds for each of its /64s", async () => {
    const [one, other] = [await comer("One", "2001:db8:1:1::1"), await comer("Other", "2001:db8:1:2::1")];
    await speak(one).expect(201);
    const { people: seen } = (await op.get(`${room}/networks`)).body;
    const { network, wideNetwork } = seen.find(({ id }: { id: string }) => id === one.id);
    expect(network).not.toBe(wideNetwork);
    await ban({ network: wideNetwork, act: "silence" });
    for (const who of [one, other]) await speak(who).expect(403);
  });

  test("of a trip holds for each session that has it", async () => {
    const dan = await comer("Dan#a long secret");
    const trip = (await get(dan, "/api/session")).body.member.trip;
    await ban({ trip, act: "silence" });
    await speak(dan).expect(403, /"code":"silenced"/);
    await speak(await comer("Dan#a long secret")).expect(403);
    await speak(await comer("Dan")).expect(201);
  });

  test("holds on another node within a second", async () => {
    const deaf: TestNode = await openNode(site.databaseUrl, options);
    const eve = await comer("Eve");
    await speak(eve).expect(201);
    await ban({ member: eve.id, act: "silence" });
    const body = { id: clientId(), text: "x" };
    await until("the ban holds there", async () => {
      const answer = await request(deaf.url).post(`${room}/typing`).set(headersOf(eve)).send({});
      return answer.status === 403;
    });
    await request(deaf.url).post(`${room}/messages`).set(headersOf(eve)).send(body).expect(403);
    await deaf.close();
  });

  test("is replaced by the next one, and never longer than its minutes", async () => {
    const fay = await comer("Fay");
    await ban({ member: fay.id, act: "silence", minutes: 60, reason: "first" });
    await ban({ member: fay.id, act: "silence", minutes: 5, reason: "second" });
    const bans = (await op.get(`${room}/bans`)).body.bans.filter(({ value }: { value: string }) => value === fay.id);
    expect(bans).toMatchObject([{ reason: "second" }]);
    expect(Date.parse(bans[0].until) - Date.now()).toBeLessThan(5 * 60_000 + 5_000);
  });

  test("that is secret gives a receipt, and the message to nobody", async () => {
    const gil = await comer("Gil");
    await speak(gil, "heard").expect(201);
    await ban({ member: gil.id, act: "silence", secretly: true });
    const stream = await openStream(site.url, { room: "lobby" });
    const id = clientId();
    const first = await speak(gil, "not heard", id).expect(201);
    expect(first.body.event).toMatchObject({ kind: "message", text: "not heard", member: { id: gil.id }, id });
    const again = await speak(gil, "not heard", id).expect(200);
    expect(again.body.event).toEqual(first.body.event);
    const two = [1, 2].map((n) => ({ id: clientId(), text: `not heard ${n}` }));
    const batch = await post(gil, `${room}/messages`, { messages: two }).expect(200);
    expect(batch.body.results).toMatchObject([{ isNew: true }, { isNew: true }]);
    const seqs = [first.body.event, ...batch.body.results.map(({ event }: { event: RoomEvent }) => event)].map(
      ({ seq }: RoomEvent) => seq,
    );
    expect(new Set(seqs).size).toBe(3);
    expect(seqs.every((seq) => !Number.isInteger(seq))).toBe(true);
    // The receipt's cursor reads on without a gap or a reset.
    const poll = await request(site.url).get(`/api/poll?room=lobby&wait=0&after=${first.body.cursor}`);
    expect(poll.body.reset).toBeUndefined();
    await speak(await comer("Hal"), "next");
    expect((await stream.events(2)).map(({ kind }) => kind)).toEqual(["enter", "message"]);
    expect((await log()).filter(({ text }) => text?.startsWith("not heard"))).toEqual([]);
    await post(gil, `${room}/typing`).expect(200);
    await stream.close();
  });

  test("that is secret hides typing, edits and a new nickname, by every way to take one", async () => {
    const una = await comer("Una");
    await speak(await comer("Taken")).expect(201);
    const { event } = (await speak(una, "first words").expect(201)).body;
    await ban({ member: una.id, act: "silence", secretly: true });
    const before = (await log()).length;
    await post(una, `${room}/typing`).expect(200);
    expect((await site.node.app.site.db("members").where({ member_id: una.id }).first()).typing_at).toBeNull();
    const edited = await post(una, `${room}/messages/${event.seq}/edit`, { text: "shocking words" }).expect(201);
    expect(edited.body.event).toMatchObject({ kind: "edit", text: "shocking words", target: event.seq });
    const poll = await request(site.url).get(`/api/poll?room=lobby&wait=0&after=${edited.body.cursor}`);
    expect(poll.body.reset).toBeUndefined();
    await post(una, `${room}/rename`, { nickname: "Taken" }).expect(409, /"code":"nickname_taken"/);
    const renamed = await post(una, `${room}/rename`, { nickname: "Shocking" }).expect(200);
    expect(renamed.body.member).toMatchObject({ id: una.id, nickname: "Shocking" });
    const shocking = { ...una, token: renamed.body.token };
    await post(shocking, `${room}/enter`).expect(200, /"nickname":"Shocking"/);
    await speak(shocking, "shocking too").expect(201);
    const hal = await comer("Halina");
    await speak(hal).expect(201);
    await post(shocking, `${room}/whispers`, { id: clientId(), to: hal.id, text: "shocking whisper" }).expect(201);
    const pages = [room, `${room}/members`, `${room}/messages?limit=200`, "/rooms/lobby", "/", "/api/rooms"];
    for (const page of pages) expect((await request(site.url).get(page)).text).not.toMatch(/shocking/i);
    // Halina has entered and spoken.
    expect((await log()).length).toBe(before + 2);
  });

  test("forbids a new nickname, which everyone would read, and not to leave", async () => {
    const vic = await comer("Vic");
    await speak(vic).expect(201);
    await ban({ member: vic.id, act: "silence" });
    await post(vic, `${room}/rename`, { nickname: "Victory" }).expect(403, /"code":"silenced"/);
    const { token } = (await post(vic, "/api/session", { nickname: "Victory" }).expect(201)).body;
    await post({ ...vic, token }, `${room}/enter`).expect(403, /"code":"silenced"/);
    await post(vic, `${room}/enter`).expect(200);
    await post(vic, `${room}/leave`).expect(200);
  });
});

describe("a shut-out", () => {
  test("ends streams and membership, and refuses to read, enter and speak", async () => {
    const ivy = await comer("Ivy");
    await speak(ivy).expect(201);
    const stream = await openStream(site.url, { room: "lobby", token: ivy.token });
    const watching = await openStream(site.url, { room: "lobby" });
    const answer = await op.post(`${room}/bans`, { member: ivy.id, act: "shut-out", reason: "spam" }).expect(201);
    expect(answer.body).toMatchObject({ removed: 1, ban: { act: "shut-out" } });
    expect((await watching.events(1))[0]).toMatchObject({ kind: "leave", by: "moderator", member: { id: ivy.id } });
    await stream.signal("bye");
    await speak(ivy).expect(403, /"code":"shut_out"/);
    await post(ivy, `${room}/enter`).expect(403, /"code":"shut_out"/);
    await get(ivy, `${room}/messages`).expect(403, /"code":"shut_out"/);
    await get(ivy, "/api/poll?room=lobby&wait=0").expect(403);
    for (const one of [stream, watching]) await one.close();
  });

  test("that is secret looks like a room that is not there", async () => {
    const jon = await comer("Jon");
    await speak(jon).expect(201);
    await ban({ member: jon.id, act: "shut-out", secretly: true });
    await speak(jon).expect(404, /"code":"no_such_room"/);
    await get(jon, `${room}/messages`).expect(404);
  });
});

describe("a removal", () => {
  test("ends streams and membership until the member enters again", async () => {
    const kim = await comer("Kim");
    await speak(kim).expect(201);
    const stream = await openStream(site.url, { room: "lobby", token: kim.token });
    await op.post(`${room}/bans`, { member: kim.id, act: "remove" }).expect(201, /"removed":1/);
    await stream.signal("bye");
    await speak(kim).expect(403, /"code":"not_present"/);
    await post(kim, `${room}/enter`).expect(200);
    await speak(kim).expect(201);
    await op.post(`${room}/bans`, { member: "nobody", act: "remove" }).expect(403, /"code":"not_present"/);
    await stream.close();
  });
});

describe("an emergency switch", () => {
  test("makes the site read-only, stops new rooms, and lets only older sessions speak, on all nodes", async () => {
    const node = await openNode(site.databaseUrl, options);
    const leo = await comer("Leo");
    const { event } = (await speak(leo, "mine").expect(201)).body;
    const set = (body: object) => op.post("/api/operate/switches", body).expect(200);
    await set({ readOnly: true });
    await speak(leo).expect(403, /"code":"read_only"/);
    await until("the other node is read-only", async () => {
      const answer = await request(node.url).post(`${room}/typing`).set(headersOf(leo)).send({});
      return answer.status === 403;
    });
    await get(leo, `${room}/messages`).expect(200);
    await post(leo, `${room}/messages/${event.seq}/erase`).expect(201);
    await set({ readOnly: false, noNewRooms: true });
    await request(site.url).post("/api/rooms").send({ slug: "another" }).expect(403);
    await set({ noNewRooms: false, speakAfterMinutes: 10 });
    await request(site.url).post("/api/rooms").send({ slug: "another" }).expect(201);
    await speak(leo).expect(429, /"code":"too_new"/);
    await set({ speakAfterMinutes: 0 });
    await speak(leo).expect(201);
    await node.close();
  });

  test.each([
    ["a word", { readOnly: "maybe" }],
    ["a time that is too long", { speakAfterMinutes: 100_000 }],
    ["a negative time", { speakAfterMinutes: -1 }],
  ])("cannot be set to %s", async (_what, body) => {
    await op.post("/api/operate/switches", body).expect(400, /"code":"malformed"/);
  });
});

test.each([
  ["without an act", { member: "x" }],
  ["with an unknown act", { member: "x", act: "kill" }],
  ["of nobody", { act: "silence" }],
  ["of two", { act: "silence", member: "x", trip: "◆abcdefghijkl" }],
  ["for no time", { act: "silence", member: "x", minutes: 0 }],
  ["for too long", { act: "silence", member: "x", minutes: 1_000_000 }],
  ["removed secretly", { act: "remove", member: "x", secretly: true }],
  ["removed for a time", { act: "remove", member: "x", minutes: 5 }],
  ["secretly, perhaps", { act: "silence", member: "x", secretly: "perhaps" }],
])("a ban %s is malformed", async (_what, body) => {
  await op.post(`${room}/bans`, body).expect(400, /"code":"malformed"/);
});
