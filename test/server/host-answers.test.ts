import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Context } from "koa";
import pino from "pino";
import request from "supertest";
import { askPatiently } from "../../server/http/ask-host.ts";
import { type App, type AppOptions, createApp } from "../../server/index.ts";
import { createLog } from "../../server/log.ts";
import { openStream } from "../../server/testing.ts";
import { createDatabase } from "../support/database.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let chat: App | undefined;
let lines: { [field: string]: unknown }[] = [];

beforeAll(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  await chat?.close();
  chat = undefined;
});
afterAll(() => database?.drop());

/** Opens an app whose functions may answer anything, as those of a host in JavaScript. */
async function open(options: object): Promise<ReturnType<App["callback"]>> {
  lines = [];
  const logger = pino({ level: "warn" }, { write: (line) => lines.push(JSON.parse(line)) });
  chat = await createApp({ database: database.url, limits: false, logger, ...options } as AppOptions);
  return chat.callback();
}

describe("identify", () => {
  test.each<[string, unknown, string]>([
    ["is too long", "Wolfeschlegelsteinhausenbergerdorff", "Wolfeschlegelsteinha"],
    ["has 10,000 characters", "長".repeat(10_000), "長".repeat(20)],
    ["has control characters", "A\u0000n\u001b[31mn\u202e", "An[31mn"],
    ["has line ends and spaces around it", "  Ann\n\tLee ", "Ann Lee"],
    ["has a # in it", "Ann#1234", "Ann"],
    ["looks like a trip", "Ann ◆abcdef", "Ann abcdef"],
    ["has half a character", "Ann\ud83d", "Ann"],
    ["has towers of marks", `Z${"\u0301".repeat(50)}oe`, "oe"],
    ["is empty", "", "user-1"],
    ["has nothing that can be seen", "\u200b\u2800", "user-1"],
  ])("that returns a name which %s has it shown as a nickname", async (_, nickname, shown) => {
    const app = await open({ identify: () => ({ id: "user-1", nickname }) });
    const { body } = await request(app).get("/api/session").expect(200);
    expect(body.member).toMatchObject({ id: "user-1", nickname: shown });
    const said = await request(app)
      .post("/api/rooms/lobby/messages")
      .set("authorization", "Bearer any")
      .send({ id: `m-${Math.random().toString(36).slice(2, 12).padEnd(8, "0")}`, text: "hi" });
    expect([said.status, said.body.event?.member.nickname]).toEqual([201, shown]);
  });

  test("that returns no color that can be shown leaves the color to the nickname", async () => {
    const app = await open({ identify: () => ({ id: "user-1", nickname: "Ann", color: "red" }) });
    const { body } = await request(app).get("/api/session").expect(200);
    expect(body.member.color).toMatch(/^#[0-9a-f]{6}$/);
  });

  test.each<[string, unknown]>([
    ["null", null],
    ["nothing", undefined],
    ["an empty text", ""],
    ["false", false],
  ])("that returns %s has found a guest", async (_, answer) => {
    const app = await open({ identify: () => answer });
    await request(app).post("/api/session").send({ nickname: "Gus" }).expect(201);
    expect(lines).toEqual([]);
  });

  test.each<[string, () => unknown, string]>([
    ["returns a number", () => 7, "a user is an object"],
    ["returns a text", () => "Ann", "a user is an object"],
    ["returns a user without a name", () => ({ id: "user-1" }), "nickname: a string"],
    ["returns a user whose name is a number", () => ({ id: "user-1", nickname: 5 }), "nickname: a string"],
    ["returns a user whose id is a number", () => ({ id: 5, nickname: "Ann" }), "id: a user has an id"],
    ["returns a user whose id is empty", () => ({ id: "", nickname: "Ann" }), "id: a user has an id"],
    ["returns a list", () => [], "id: a user has an id"],
    [
      "throws",
      () => {
        throw new Error("no such table: users");
      },
      "no such table",
    ],
    ["rejects", () => Promise.reject(new Error("connection lost")), "connection lost"],
    ["rejects with nothing", () => Promise.reject(undefined), ""],
  ])("that %s is answered 500 with a sentence, and is logged once a minute", async (_, identify, cause) => {
    const app = await open({ identify });
    for (const path of ["/api/session", "/api/poll?room=lobby&wait=0"]) {
      const { body } = await request(app).get(path).expect(500);
      expect(body).toMatchObject({ code: "internal", detail: expect.stringContaining("identify") });
      expect(JSON.stringify(body)).not.toContain("no such table");
    }
    expect((await request(app).get("/rooms/lobby").expect(500)).text).toContain("<html");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ msg: "identify of the host failed", requests: 1 });
    if (cause !== "") expect(JSON.stringify(lines[0])).toContain(cause);
  });

  test("that begins to fail leaves open streams open", async () => {
    let isBroken = false;
    const app = await open({
      authSeconds: 1,
      identify: () => {
        if (isBroken) throw new Error("restarting");
        return { id: "user-1", nickname: "Ann" };
      },
    });
    const stream = await openStream(app, { room: "lobby", timeoutMs: 20_000 });
    isBroken = true;
    await stream.signal("ping");
    const logged = new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (lines.length === 0) return;
        clearInterval(timer);
        resolve();
      }, 50);
    });
    await logged;
    await chat?.notice("lobby", "still here");
    expect((await stream.events(1))[0]).toMatchObject({ text: "still here" });
    await stream.close();
  }, 40_000);
});

describe("a user of the host", () => {
  const users: { [token: string]: object } = {
    staff: { id: "user-1", nickname: "Cleo", role: "moderator" },
    boss: { id: "user-2", nickname: "Dora", role: "owner" },
    anybody: { id: "user-3", nickname: "Emil" },
  };
  const identify = (ctx: Context) => users[ctx.get("authorization").replace("Bearer ", "") || String(ctx.query.token)];
  const as = (app: Parameters<typeof request>[0], token: string) => (path: string, body?: object) =>
    (body ? request(app).post(path).send(body) : request(app).get(path)).set("authorization", `Bearer ${token}`);

  test("has the role that the host gives, in every room, and no longer than that", async () => {
    const app = await open({ identify });
    const [staff, boss, anybody] = [as(app, "staff"), as(app, "boss"), as(app, "anybody")];
    const { event } = (await anybody("/api/rooms/lobby/messages", { id: "emil-0001", text: "noise" })).body;
    expect(event.member).toEqual({ id: "user-3", nickname: "Emil", color: expect.any(String) });
    await anybody("/api/rooms/lobby/bans").expect(403);
    await anybody("/api/rooms/lobby/erase", { seq: event.seq }).expect(403);
    await staff("/api/rooms/lobby/erase", { seq: event.seq }).expect(200);
    await staff("/api/rooms/lobby/bans", { member: "user-3", act: "silence", minutes: 5 }).expect(201);
    await anybody("/api/rooms/lobby/messages", { id: "emil-0002", text: "more" }).expect(403);
    await staff("/api/rooms/lobby/settings", { slowSeconds: 5 }).expect(403);
    await boss("/api/rooms/lobby/settings", { description: "Tea" }).expect(200);
    users.staff = { ...users.staff, role: null };
    await staff("/api/rooms/lobby/bans").expect(403);
  });

  test("counts as somebody with a trip, since the host knows who it is", async () => {
    const app = await open({ identify });
    await chat?.rooms.make({ slug: "known" });
    await chat?.rooms.change("known", { maySpeak: "trips" });
    await as(app, "anybody")("/api/rooms/known/messages", { id: "emil-0003", text: "hi" }).expect(201);
    const guest = (await request(app).post("/api/session").send({ nickname: "Gus" })).body.token;
    const said = request(app).post("/api/rooms/known/messages").send({ id: "gus-00001", text: "hi", token: guest });
    await said.expect(403);
  });

  test("whose role is no role of a room is an error", async () => {
    const app = await open({ identify: () => ({ id: "user-1", nickname: "Cleo", role: "admin" }) });
    await request(app).get("/api/session").expect(500);
    expect(JSON.stringify(lines)).toContain("role: owner, moderator, approved or null");
  });

  test("loses an open stream with the role that let it in", async () => {
    const app = await open({ identify, authSeconds: 1 });
    await chat?.rooms.make({ slug: "staff-only" });
    await chat?.rooms.change("staff-only", { mayRead: "moderators" });
    users.staff = { ...users.staff, role: "moderator" };
    const stream = await openStream(app, { room: "staff-only", token: "staff", timeoutMs: 20_000 });
    users.staff = { ...users.staff, role: null };
    expect(await stream.signal("bye")).toMatchObject({ reason: "not_allowed" });
    await stream.close();
  }, 40_000);
});

describe("authorize", () => {
  test.each<[string, () => unknown]>([
    ["answers nothing", () => undefined],
    ["answers a number", () => 1],
    ["answers with a text of its own", () => "yes"],
    ["rejects", () => Promise.reject(new Error("connection lost"))],
  ])("that %s lets nobody in, and says why in the log", async (_, authorize) => {
    const app = await open({ authorize });
    for (const path of ["/api/rooms/lobby/messages", "/api/poll?room=lobby&wait=0", "/api/rooms"]) {
      const { body } = await request(app).get(path).expect(500);
      expect(body).toMatchObject({ code: "internal", detail: expect.stringContaining("authorize") });
    }
    expect(lines.map(({ msg }) => msg)).toEqual(["authorize of the host failed"]);
  });
});

test("a function of the host that never answers is 503 after a while", async () => {
  const ask = askPatiently(
    { name: "identify", logger: createLog("silent"), patienceMs: 20 },
    () => new Promise<never>(() => undefined),
    (answer) => answer,
  );
  await expect(ask()).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("0.02 s") });
});
