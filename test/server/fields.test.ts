import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import Koa from "koa";
import request from "supertest";
import { FIELDS_MAX } from "../../protocol/limits.ts";
import { clientId, openNode, openSite, person, type TestSite } from "../support/app.ts";

let site: TestSite;
let url: string;

beforeAll(async () => {
  site = await openSite();
  url = (site.nodes[0] as { url: string }).url;
});

afterAll(() => site.close());

/** A healthz on another connection, sent just after a request, and how long it took. */
async function delayOfOthersMs(send: () => Promise<unknown>): Promise<number> {
  const sent = send();
  const startedAt = performance.now();
  await fetch(`${url}/healthz`);
  const tookMs = performance.now() - startedAt;
  await sent;
  return tookMs;
}

const FORM = "application/x-www-form-urlencoded";

function post(path: string, type: string, body: string) {
  return request(url).post(path).set("content-type", type).send(body);
}

describe("the number of fields", () => {
  test("a form of 32,000 repeated fields is refused at once, and delays nobody", async () => {
    const form = "a&".repeat(32_000);
    await post("/api/session", FORM, "a&").expect(400);
    const startedAt = performance.now();
    const { body } = await post("/api/session", FORM, form).expect(400);
    expect(performance.now() - startedAt).toBeLessThan(100);
    expect(body.code).toBe("malformed");
    expect(await delayOfOthersMs(async () => post("/nowhere", FORM, form))).toBeLessThan(100);
  });

  const members = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`x${n}`, "1"]));

  test.each([
    ["a form", FORM, (count: number) => new URLSearchParams(members(count)).toString()],
    ["JSON", "application/json", (count: number) => JSON.stringify(members(count))],
    ["JSON as text", "text/plain", (count: number) => JSON.stringify(members(count))],
    ["a list in JSON", "application/json", (count: number) => JSON.stringify({ x: new Array(count).fill("1") })],
  ])("of %s is at most 50", async (_, type, body) => {
    await post("/api/session/end", type, body(FIELDS_MAX)).expect(200);
    const refused = await post("/api/session/end", type, body(FIELDS_MAX + 1)).expect(400);
    expect(refused.body).toMatchObject({ code: "malformed", detail: "at most 50 fields" });
  });

  test("of a body that a host app's parser has read is capped alike, and the body is an object or a text of a known type", async () => {
    const statusFor = async (parsed: unknown) => {
      const host = new Koa();
      host.use((ctx, next) => {
        (ctx.request as { body?: unknown }).body = parsed;
        return next();
      });
      for (const middleware of site.nodes[0]?.app.middleware ?? []) host.use(middleware);
      return (await request(host.callback()).post("/api/session").send()).status;
    };
    expect(await statusFor({ nickname: "hosted" })).toBe(201);
    expect(await statusFor({ nickname: "hosted", ...members(FIELDS_MAX) })).toBe(400);
    expect(await statusFor("nickname=hosted")).toBe(415);
    expect(await statusFor([{ nickname: "hosted" }])).toBe(400);
  });

  test("a deeply nested body is read without delay", async () => {
    for (const body of ["[".repeat(65_000), '{"a":'.repeat(13_000), `{"a":${"[".repeat(32_000)}${"]".repeat(32_000)}}`])
      expect(await delayOfOthersMs(async () => post("/api/session", "application/json", body))).toBeLessThan(100);
  });
});

test("a multipart body is refused, whatever it contains", async () => {
  const parts = Buffer.from([0x2d, 0x2d, 0xff, 0xfe, 0x00]);
  const sent = request(url).post("/api/session").set("content-type", "multipart/form-data; boundary=x").send(parts);
  expect((await sent).status).toBe(415);
});

describe("a parameter that repeats", () => {
  test.each([
    ["a query", "GET", "/api/rooms/lobby/messages?limit=2&limit=2", ""],
    ["a path", "GET", "/api/rooms/lobby/messages;limit=2;limit=2", ""],
    ["a form", "POST", "/api/session", "nickname=a&nickname=b"],
    ["a list in JSON", "POST", "/api/session", { nickname: ["a", "b"] }],
    ["a list of one in JSON", "POST", "/api/session", { nickname: ["a"] }],
    ["a page's query", "GET", "/rooms/lobby?x=1&x=1", ""],
    ["a page's form", "POST", "/rooms/lobby", "nickname=a&nickname=b"],
  ])("of %s is refused", async (...[, method, path, body]) => {
    const sent = method === "GET" ? request(url).get(path) : request(url).post(path).send(body);
    expect((await sent).status).toBe(400);
  });

  test("may be a room, and a cursor by any of its names", async () => {
    const repeated = "room=lobby&room=lobby&after=x&after=y&lastEventId=x&lastEventId=y";
    await request(url).get(`/api/poll?wait=0&${repeated}`).expect(200);
    await request(url)
      .get(`/api/poll;wait=0;${repeated.replaceAll("&", ";")}`)
      .expect(200);
    await post("/api/poll", FORM, `wait=0&${repeated}`).expect(200);
    await request(url)
      .post("/api/poll")
      .send({ wait: 0, room: ["lobby", "lobby"], after: ["x", "y"] })
      .expect(200);
  });

  test("may be in body, query and path at once: the body counts first, then the query", async () => {
    const { body } = await request(url).post("/api/poll;n=path;room=lobby;wait=0?n=query").send({ n: "body" });
    expect(body.n).toBe("body");
    expect((await request(url).get("/api/poll;n=path;room=lobby;wait=0?n=query")).body.n).toBe("query");
  });
});

describe("a number out of range is refused:", () => {
  test.each([
    "/api/poll?room=lobby&wait=56",
    "/api/events?room=lobby&ping=1",
    "/api/events?room=lobby&ping=61",
    "/api/stream?room=lobby&max=16383",
    "/api/stream?room=lobby&max=67108865",
    "/api/rooms/lobby/messages?limit=0",
    "/api/rooms/lobby/messages?limit=201",
    "/api/rooms/lobby/messages?before=0",
    "/api/rooms/lobby/messages?before=9007199254740992",
    "/api/doctor/echo?hold=75001",
    "/api/doctor/stream?frames=31&gap=0",
    "/api/doctor/stream?frames=2&gap=10001",
    "/api/doctor/stream?frames=2&gap=1000&quiet=74500",
    "/rooms/lobby/live?refresh=4",
    "/rooms/lobby/live?refresh=301",
    "/rooms/lobby/live/refresh=301",
  ])("%s", async (path) => {
    expect((await request(url).get(path)).status).toBe(400);
  });
});

test.each([
  ["a nickname", "/api/session", { nickname: 42 }],
  ["a color", "/api/session", { nickname: "Ann", color: 111111 }],
  ["a room's name", "/api/rooms", { slug: 42 }],
  ["a title", "/api/rooms", { slug: "forty-two", title: 42 }],
  ["a nickname in a form of a page", "/rooms/lobby", { nickname: 42 }],
])("%s that is no string is refused", async (_, path, body) => {
  const sent = request(url).post(path).set("sec-fetch-site", "same-origin").send(body);
  expect((await sent).status).toBe(400);
});

describe("a limit is charged before the work:", () => {
  test("a nickname that is refused counts as one", async () => {
    const limited = await openNode(site.databaseUrl, { limits: true });
    const statuses = new Set<number>();
    for (let n = 0; n < 320; n += 1) statuses.add((await request(limited.url).post("/api/session").send({})).status);
    expect([...statuses]).toEqual([400, 429]);
    await limited.close();
  });

  test("a message for a room that does not exist counts as one", async () => {
    const limited = await openNode(site.databaseUrl, { limits: true });
    const { token } = await person(limited.url, "Finn");
    const statuses = new Set<number>();
    for (let n = 0; n < 30; n += 1) {
      const sent = request(limited.url).post("/api/rooms/nowhere/messages").set("authorization", `Bearer ${token}`);
      statuses.add((await sent.send({ id: clientId(), text: "x" })).status);
    }
    expect([...statuses]).toEqual([404, 429]);
    await limited.close();
  });
});
