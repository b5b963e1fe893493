import { beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { person, say, type TestPerson } from "../support/app.ts";
import { RawConnection } from "../support/raw-connection.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();
let ann: TestPerson;

beforeAll(async () => {
  ann = await person(site.url, "Ann");
  await say(site.url, ann, "I am in");
});

const get = (path: string) => request(site.url).get(path);

describe("a poll under the path of its room", () => {
  test("is answered as any other poll", async () => {
    const { cursor } = await say(site.url, ann, "before");
    await say(site.url, ann, "after");
    const path = `;after=${cursor};wait=0;n=one`;
    const { status, body } = await get(`/api/rooms/lobby/since${path}`);
    const { body: usual } = await get(`/api/poll;room=lobby${path}`);
    expect(status).toBe(200);
    expect(body).toEqual(usual);
    expect(body.events).toMatchObject([{ text: "after" }]);
  });

  test("reads more rooms if it names them, and each once", async () => {
    const { body } = await get("/api/rooms/lobby/since;room=another;room=lobby;wait=0");
    const { status } = await get("/api/rooms/lobby/since;room=lobby;wait=0");
    expect([body.code, status]).toEqual(["no_such_room", 200]);
  });

  test("says how a room is spelled", async () => {
    const { body } = await get("/api/rooms/LOBBY/since;wait=0");
    expect(body.rooms).toEqual({ LOBBY: "lobby" });
  });

  test("has the guards of a poll", async () => {
    expect((await get("/api/rooms/nowhere/since;wait=0")).status).toBe(404);
    expect((await get("/api/rooms/lobby/since;wait=56")).status).toBe(400);
    expect((await get("/api/rooms/lobby/since;wait=0;wait=1")).status).toBe(400);
    expect((await get("/api/rooms/lobby/since/")).status).toBe(404);
    expect((await request(site.url).post("/api/rooms/lobby/since").send({})).status).toBe(405);
  });

  test("waits for a message, and the next one is answered on the kept connection", async () => {
    const { polls } = site.node.app.site.metrics;
    const wire = new RawConnection(site.url);
    const { cursor } = await say(site.url, ann, "before");
    const waits = () => until("a poll waits", () => site.node.app.site.hub.readers.size === 1);
    wire.ask(`/api/rooms/lobby/since;after=${cursor};n=first;wait=20`);
    await waits();
    await say(site.url, ann, "the first answer");
    const first = (await wire.answer()).body;
    expect(first).toMatchObject({ n: "first", events: [{ text: "the first answer" }] });
    const before = polls.kept;
    wire.ask(`/api/rooms/lobby/since;after=${first.cursor};n=second;wait=20`);
    await waits();
    await say(site.url, ann, "the second answer");
    expect((await wire.answer()).body).toMatchObject({ n: "second", events: [{ text: "the second answer" }] });
    expect(polls.kept).toBe(before + 1);
    wire.socket.destroy();
  });
});
