import { beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import type { RoomEvent } from "../../protocol/event.ts";
import { openStream } from "../../server/testing.ts";
import { clientId, openNode, person, type TestPerson } from "../support/app.ts";
import { OPERATOR_SECRET, operator, type TestOperator } from "../support/operator.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite({ operatorSecret: OPERATOR_SECRET, trustProxy: ["loopback"] });
let op: TestOperator;

beforeAll(async () => {
  op = await operator(site.url);
});

const room = "/api/rooms/lobby";

let people = 0;

/** A person who comes from an address of its own. */
async function comer(nickname: string, address = `192.0.2.${++people}`): Promise<TestPerson & { address: string }> {
  return { ...(await person(site.url, nickname)), address };
}

function post(who: TestPerson & { address: string }, path: string, body: object = {}): request.Test {
  return request(site.url)
    .post(path)
    .set({ authorization: `Bearer ${who.token}`, "x-forwarded-for": who.address })
    .send(body);
}

const speak = (who: TestPerson & { address: string }, text: string, id = clientId()) =>
  post(who, `${room}/messages`, { id, text });

async function networkOf(who: TestPerson): Promise<string> {
  const { people: seen } = (await op.get(`${room}/networks`).expect(200)).body;
  return seen.find(({ id }: { id: string }) => id === who.id).network;
}

async function texts(): Promise<(string | undefined)[]> {
  const { events } = (await request(site.url).get(`${room}/messages?limit=200`)).body as { events: RoomEvent[] };
  return events.map(({ text }) => text);
}

describe("an operator", () => {
  test("signs in by the secret, and by nothing else", async () => {
    const own = { origin: site.url };
    const signIn = (body: object, headers: object = own) =>
      request(site.url)
        .post("/api/operate/session")
        .set(headers as { [name: string]: string })
        .send(body);
    await signIn({ secret: "another secret of operators" }).expect(403, /"code":"wrong_secret"/);
    await signIn({ link: "no-such-link" }).expect(403, /"code":"wrong_secret"/);
    await signIn({}).expect(403, /"code":"wrong_secret"/);
    await signIn({ secret: OPERATOR_SECRET }, { origin: "http://evil.example" }).expect(403, /"code":"forbidden"/);
    const { headers } = await signIn({ secret: OPERATOR_SECRET }).expect(201);
    expect(String(headers["set-cookie"])).toMatch(/^chattera-operator-\d+=[^;]+; .*samesite=strict; httponly/i);
  });

  test("is nobody on requests that another site's page may have sent", async () => {
    const { headers } = await request(site.url)
      .post("/api/operate/session")
      .set("origin", site.url)
      .send({ secret: OPERATOR_SECRET });
    const cookie = String(headers["set-cookie"]).split(";")[0] as string;
    const erase = (more: { [name: string]: string }) =>
      request(site.url)
        .post("/api/operate/switches")
        .set({ cookie, ...more })
        .send({ readOnly: true });
    await erase({ origin: "http://evil.example" }).expect(403);
    await erase({ "sec-fetch-site": "same-site" }).expect(403);
    // An old browser names no source. Without the page's form token, the cookie does not count.
    await erase({}).expect(401, /"code":"not_operator"/);
    const forged = `${cookie.slice(0, -2)}xx`;
    await request(site.url).get("/api/operate").set({ cookie: forged }).expect(401);
    await request(site.url).get("/api/operate").set({ cookie }).expect(200);
  });

  test("signs all operators out, on all nodes", async () => {
    const node = await openNode(site.databaseUrl, { operatorSecret: OPERATOR_SECRET });
    const [one, other] = [await operator(site.url), await operator(node.url)];
    await one.post("/api/operate/session/end", { all: true }).expect(200);
    await one.get("/api/operate").expect(401);
    await until("the other is signed out", async () => (await other.get("/api/operate")).status === 401);
    op = await operator(site.url);
    await op.get("/api/operate").expect(200);
    await node.close();
  });

  test("sees rooms, people and figures, and nobody else does", async () => {
    const ann = await comer("Seen");
    await speak(ann, "here").expect(201);
    const { body } = await op.get("/api/operate").expect(200);
    expect(body).toMatchObject({ switches: { readOnly: false }, figures: { rooms: 1 }, node: { waiting: 0 } });
    expect((await op.get("/api/operate/rooms")).body.rooms).toMatchObject([{ slug: "lobby", public: true }]);
    expect((await op.get("/api/operate/people")).body.people).toContainEqual(
      expect.objectContaining({ id: ann.id, room: "lobby", network: expect.stringMatching(/^[a-km-np-z2-9]{8}$/) }),
    );
    for (const path of ["", "/rooms", "/people", "/log", "/reports", "/bans", "/activity"])
      await request(site.url)
        .get(`/api/operate${path}`)
        .expect(401, /"code":"not_operator"/);
    for (const path of ["bans", "reports", "moderation", "networks", "bans/hit?member=x"])
      await request(site.url).get(`${room}/${path}`).set("authorization", `Bearer ${ann.token}`).expect(403);
    for (const path of ["bans", "erase", "bans/lift", "reports/resolve"])
      await post(ann, `${room}/${path}`, { seq: 1 }).expect(403, /"code":"not_allowed"/);
  });
});

describe("erasing", () => {
  test("takes one message from everybody at once", async () => {
    const ann = await comer("Ann");
    const stream = await openStream(site.url, { room: "lobby" });
    const { event } = (await speak(ann, "not to be kept")).body;
    await op.post(`${room}/erase`, { seq: event.seq }).expect(200, /"erased":1/);
    const events = await stream.events(3);
    expect(events.at(-1)).toMatchObject({ kind: "erase", target: event.seq, by: "moderator" });
    expect(await texts()).not.toContain("not to be kept");
    await op.post(`${room}/erase`, { seq: event.seq }).expect(404, /"code":"no_such_message"/);
    await stream.close();
  });

  test("takes everything by a session, and by a network", async () => {
    const [ben, cat, dan] = [
      await comer("Ben"),
      await comer("Cat", "198.51.100.1"),
      await comer("Dan", "198.51.100.1"),
    ];
    for (const who of [ben, cat, dan]) for (const n of [1, 2]) await speak(who, `${who.nickname} ${n}`).expect(201);
    await op.post(`${room}/erase`, { member: ben.id }).expect(200, /"erased":2/);
    expect(await texts()).toEqual(expect.not.arrayContaining(["Ben 1"]));
    await op.post(`/api/operate/erase`, { network: await networkOf(cat) }).expect(200, /"erased":4/);
    expect((await texts()).filter((text) => /^(Ben|Cat|Dan) \d/.test(text ?? ""))).toEqual([]);
    const { acts } = (await op.get(`${room}/moderation`)).body;
    expect(acts[0]).toMatchObject({ act: "erase", kind: "member", value: ben.id, name: "Ben", count: 2 });
    expect((await op.get("/api/operate/log?limit=1")).body).toMatchObject({
      acts: [{ act: "erase", kind: "network", count: 4 }],
      next: expect.any(Number),
    });
  });

  test.each([
    ["nothing", {}],
    ["two things", { member: "x", network: "abcdefgh" }],
    ["a message and a person", { seq: 1, member: "x" }],
    ["a network in capitals", { network: "ABCDEFGH" }],
    ["a trip that is none", { trip: "nothing" }],
    ["a list", { member: ["x"] }],
    ["a seq that is no number", { seq: "x" }],
    ["seq 0", { seq: 0 }],
  ])("of %s is malformed", async (_what, body) => {
    await op.post(`${room}/erase`, body).expect(400, /"code":"malformed"/);
  });
});

describe("a report", () => {
  test("of a message or a person waits in the queue until it is resolved", async () => {
    const [eve, fay] = [await comer("Eve"), await comer("Fay")];
    const { event } = (await speak(eve, "rude words")).body;
    await post(fay, `${room}/report`, { seq: event.seq, reason: "rude" }).expect(201);
    await post(fay, `${room}/report`, { seq: event.seq, reason: "rude, again" }).expect(201);
    // A visitor without a session.
    await request(site.url).post(`${room}/report`).send({ member: eve.id, reason: "rude" }).expect(201);
    const { reports } = (await op.get(`${room}/reports`)).body;
    expect(reports).toMatchObject([
      { seq: event.seq, text: "rude words", member: { id: eve.id, nickname: "Eve" }, by: "Fay", reason: "rude" },
      { seq: null, text: null, member: { id: eve.id }, by: null },
    ]);
    await op.post(`${room}/erase`, { seq: event.seq }).expect(200);
    expect((await op.get(`${room}/reports`)).body.reports[0]).toMatchObject({ text: null });
    await op.post(`${room}/reports/resolve`, { report: reports[0].id }).expect(200);
    await op.post(`${room}/reports/resolve`, { report: reports[0].id }).expect(404, /"code":"no_such_report"/);
    expect((await op.get("/api/operate/reports")).body.reports).toHaveLength(1);
    await op.post("/api/operate/reports/resolve", { report: reports[1].id }).expect(200);
  });

  test("of a whisper, by either side, lets moderators read that one", async () => {
    const [gil, hal, ivy] = [await comer("Gil"), await comer("Hal"), await comer("Ivy")];
    for (const who of [gil, hal, ivy]) await speak(who, "here").expect(201);
    const whisper = { id: clientId(), to: hal.id, text: "rude whisper" };
    await post(gil, `${room}/whispers`, whisper).expect(201);
    await post(gil, `${room}/whispers`, { ...whisper, id: clientId(), text: "private" }).expect(201);
    await post(hal, `${room}/report`, { whisper: 1, reason: "rude" }).expect(201);
    const answer = await op.get(`${room}/reports`);
    expect(answer.body.reports.at(-1)).toMatchObject({ isWhisper: true, text: "rude whisper", member: { id: gil.id } });
    expect(answer.text).not.toContain("private");
    await post(ivy, `${room}/report`, { whisper: 1 }).expect(404, /"code":"no_such_message"/);
    await request(site.url).post(`${room}/report`).send({ whisper: 1 }).expect(401);
  });

  test.each([
    ["of nothing", "malformed", {}],
    ["of a message and a person", "malformed", { seq: 1, member: "x" }],
    ["of a message that is not there", "no_such_message", { seq: 1_000_000 }],
    ["of a person who is not there", "no_such_member", { member: "nobody" }],
    ["with a reason that is too long", "malformed", { member: "x", reason: "x".repeat(301) }],
    ["with a reason that is no text", "malformed", { member: "x", reason: 1 }],
  ])("%s gets %s", async (_what, code, body) => {
    const answer = await request(site.url).post(`${room}/report`).send(body);
    expect(answer.body).toMatchObject({ code });
  });
});
