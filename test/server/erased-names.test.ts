import { expect, test } from "@jest/globals";
import request from "supertest";
import type { RoomEvent } from "../../protocol/event.ts";
import { openStream } from "../../server/testing.ts";
import { clientId, openNode, person, say } from "../support/app.ts";
import { OPERATOR_SECRET, operator } from "../support/operator.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";
import { whisper } from "../support/whisper.ts";

const options = { operatorSecret: OPERATOR_SECRET };
const site = useSite(options);

test("erasing everything by a person erases the name and the whispers too, on all nodes and paths", async () => {
  const other = await openNode(site.databaseUrl, options);
  const op = await operator(site.url);
  const ben = await person(site.url, "Ben");
  const room = "tea";
  await request(site.url).post("/api/rooms").send({ slug: room }).expect(201);
  const { cursor: start } = await say(site.url, ben, { room, text: "before" });
  const streams = [
    await openStream(site.url, { room, token: ben.token }),
    await openStream(other.url, { room, token: ben.token }),
  ];
  const filth = await person(site.url, "Filth#a long secret");
  const as = (token: string, path: string, body: object = {}) =>
    request(site.url).post(`/api/rooms/${room}${path}`).set("authorization", `Bearer ${token}`).send(body);
  await as(filth.token, "/enter").expect(200);
  const { body: renamed } = await as(filth.token, "/rename", { nickname: "Filthier" }).expect(200);
  const now = { ...filth, token: renamed.token, nickname: "Filthier" };
  const { event: rolled } = await say(site.url, now, { room, text: "/roll 1d6" });
  const { event } = await say(site.url, now, { room, text: "rude words" });
  const sent = await whisper(site.url, now, { room, to: ben.id, text: "rude whisper" });
  await whisper(site.url, ben, { room, to: filth.id, text: "an answer" });
  await as(ben.token, "/messages", { id: clientId(), text: "replied", reply: event.seq }).expect(201);
  await as(now.token, "/leave").expect(200);
  await as(now.token, "/enter").expect(200);
  const head = (await request(other.url).get(`/api/rooms/${room}/messages?limit=200`)).body.events.at(-1).seq;
  // Whispers are not counted: moderators learn nothing of them.
  await op.post(`/api/rooms/${room}/erase`, { member: filth.id }).expect(200, /"erased":2[,}]/);
  const paths = [
    `/api/rooms/${room}`,
    `/api/rooms/${room}/members`,
    `/api/rooms/${room}/messages?limit=200`,
    `/api/rooms/${room}/whispers`,
    `/api/rooms/${room}/search?text=replied`,
    `/api/rooms/${room}/durable?offset=-1`,
    `/api/poll?room=${room}&wait=0&after=${start}`,
    `/api/poll?room=${room}&wait=0&after=${start}&callback=f`,
    `/rooms/${room}`,
    `/rooms/${room}/people`,
    `/rooms/${room}/live/refresh=10/after=${start}`,
    `/rooms/${room}/log.txt`,
    "/api/rooms",
    "/",
  ];
  for (const url of [site.url, other.url])
    for (const path of paths) {
      const ask = async () => (await fetch(url + path, { headers: { authorization: `Bearer ${ben.token}` } })).text();
      await until(`${path} is clean`, async () => !/filth|rude/i.test(await ask()));
      expect([path, await ask()]).not.toEqual([path, expect.stringMatching(/filth|rude|a long secret/i)]);
    }
  const stored = await site.node.app.site.db("events").whereRaw("events::text ~* 'filth|rude'");
  expect(stored).toEqual([]);
  const events = (await request(site.url).get(`/api/rooms/${room}/messages?limit=200`)).body.events as RoomEvent[];
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, n) => n + 1));
  expect(events.filter(({ seq }) => seq > head)).toMatchObject([
    ...[rolled, event].map(({ seq }) => ({ kind: "erase", target: seq, by: "moderator" })),
    { kind: "unname", member: { id: filth.id, nickname: expect.stringContaining("erased") } },
  ]);
  for (const stream of streams) {
    const read = await until("both logs", async () => {
      const all: RoomEvent[] = [];
      while (!all.some(({ kind, room: log }) => kind === "unname" && log === `@${room}`))
        all.push(...(await stream.events(1)));
      return all;
    });
    expect(read.filter(({ room: log }) => log === `@${room}`)).toMatchObject([
      { kind: "whisper", text: "rude whisper" },
      { kind: "whisper", text: "an answer" },
      { kind: "erase", target: sent.event.seq, by: "moderator" },
      { kind: "unname", member: { id: filth.id } },
    ]);
    await stream.close();
  }
  const { body } = await request(site.url)
    .get(`/api/rooms/${room}/whispers`)
    .set("authorization", `Bearer ${ben.token}`);
  expect(body.events).toMatchObject([{ kind: "whisper", erased: true }, { text: "an answer" }]);
  expect(body.events[0].text).toBeUndefined();
  // Once more changes nothing.
  await op.post(`/api/rooms/${room}/erase`, { member: filth.id }).expect(200, /"erased":0[,}]/);
  await other.close();
}, 30_000);

test("everything of a trip is erased with the names under which it was used, and nobody else's", async () => {
  const op = await operator(site.url);
  const eve = await person(site.url, "Evil#another secret");
  await say(site.url, eve, "evil words");
  const { body } = await request(site.url).get("/api/session").set("authorization", `Bearer ${eve.token}`);
  const dora = await person(site.url, "Dora");
  await say(site.url, dora, "kind words");
  await op.post("/api/operate/erase", { trip: body.member.trip }).expect(200, /"erased":1[,}]/);
  const { text } = await request(site.url).get("/api/rooms/lobby/messages?limit=200");
  expect(text).not.toMatch(/evil/i);
  expect(text).toContain("Dora");
});
