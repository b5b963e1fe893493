import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { type App, createApp } from "../../server/index.ts";
import { openStream } from "../../server/testing.ts";
import { createDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";

const ANN = { id: "user-1", nickname: "Ann" };

let database: Awaited<ReturnType<typeof createDatabase>>;
const apps: App[] = [];
let rooms = 0;

beforeAll(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});
afterAll(() => database?.drop());

async function open(): Promise<App> {
  const app = await createApp({ database: database.url, limits: false });
  apps.push(app);
  return app;
}

async function newRoom(chat: App): Promise<string> {
  rooms += 1;
  return (await chat.rooms.make({ slug: `room-${rooms}` })).slug;
}

describe("a listener with a name", () => {
  test("continues after a restart where it was, and hears each message once, in order", async () => {
    const heard: string[] = [];
    const listen = (chat: App) => chat.on("message", ({ text = "" }) => heard.push(text), { name: "mailer" });
    const [first, other] = [await open(), await open()];
    const [tea, coffee] = [await newRoom(first), await newRoom(first)];
    await first.post(tea, ANN, "before it was there");
    listen(first);
    await first.post(tea, ANN, "one");
    await until("one is heard", () => heard.length === 1);
    await first.close();
    await other.post(tea, ANN, "two");
    await other.post(coffee, ANN, "three");
    await other.post(tea, ANN, "four");
    const again = await open();
    listen(again);
    await until("all are heard", () => heard.length === 4, 20_000);
    await again.post(coffee, ANN, "five");
    await until("the next is heard", () => heard.length === 5);
    expect(heard.filter((text) => /two|four/.test(text))).toEqual(["two", "four"]);
    expect([...heard].sort()).toEqual(["five", "four", "one", "three", "two"]);
  }, 60_000);

  test("is called by one process at a time", async () => {
    const heard: string[] = [];
    const both = [await open(), await open()] as const;
    for (const [at, chat] of both.entries())
      chat.on("message", ({ text }) => heard.push(`${at} ${text}`), { name: "counter" });
    const room = await newRoom(both[0]);
    for (let n = 1; n <= 6; n += 1) await both[n % 2 === 0 ? 0 : 1].post(room, ANN, `${n}`);
    await until("all are heard", () => heard.length >= 6, 20_000);
    expect(heard.map((one) => one.slice(2))).toEqual(["1", "2", "3", "4", "5", "6"]);
  }, 60_000);

  test("that rejects gets the event again, and those of the room wait for it", async () => {
    const chat = await open();
    const [tea, coffee] = [await newRoom(chat), await newRoom(chat)];
    const heard: string[] = [];
    let failures = 0;
    chat.on(
      "message",
      async ({ text = "", room, cursor }) => {
        if (text === "poison" && failures < 2) {
          failures += 1;
          throw new Error("the mail server is away");
        }
        if (/^\w{6}\./.test(cursor)) heard.push(`${room} ${text}`);
      },
      { name: "careful" },
    );
    for (const text of ["poison", "after"]) await chat.post(tea, ANN, text);
    await chat.post(coffee, ANN, "elsewhere");
    await until("all are heard", () => heard.length === 3, 20_000);
    expect(failures).toBe(2);
    expect(heard[0]).toBe(`${coffee} elsewhere`);
    expect(heard.slice(1)).toEqual([`${tea} poison`, `${tea} after`]);
  }, 60_000);

  test("has a name of its own for each kind of event", async () => {
    const chat = await open();
    const ignore = () => undefined;
    chat.on("message", ignore, { name: "one" });
    chat.on("notice", ignore, { name: "one" });
    expect(() => chat.on("message", ignore, { name: "one" })).toThrow(/listens to message already/);
    expect(() => chat.on("message", ignore, { name: "two words" })).toThrow(/^name:/);
    expect(() => chat.on("massage" as "message", ignore, { name: "three" })).toThrow(/^kind:/);
  });
});

describe("a room that the host removes", () => {
  test("is gone for everyone, and a new room of its name is another room", async () => {
    const [chat, other] = [await open(), await open()];
    const room = await newRoom(chat);
    await chat.post(room, ANN, "first life");
    const { cursor } = (await request(chat.callback()).get(`/api/rooms/${room}`).expect(200)).body;
    const streams = [
      await openStream(chat.callback(), { room, timeoutMs: 20_000 }),
      await openStream(other.callback(), { room, timeoutMs: 20_000 }),
    ];
    const reading = (async () => {
      for await (const _ of chat.events(room)) expect("an event").toBe("none");
    })();
    await chat.rooms.remove(room);
    for (const stream of streams) await expect(stream.events(1)).rejects.toThrow("ended");
    for (const stream of streams) await stream.close();
    await expect(reading).rejects.toMatchObject({ code: "no_such_room" });
    for (const app of [chat, other])
      await until("it is gone", async () => (await request(app.callback()).get(`/api/rooms/${room}`)).status === 404);
    await expect(chat.post(room, ANN, "hello?")).rejects.toMatchObject({ code: "no_such_room" });
    await expect(chat.rooms.remove(room)).rejects.toMatchObject({ code: "no_such_room" });

    await other.rooms.make({ slug: room });
    for (const text of ["second life", "goes on"]) await other.post(room, ANN, text);
    const poll = await request(other.callback()).get("/api/poll").query({ room, after: cursor, wait: 0 }).expect(200);
    expect(poll.body.reset).toMatchObject({ room, reason: "malformed" });
    await expect(other.events(room, { after: cursor }).next()).rejects.toMatchObject({ code: "reset" });
    const page = await request(other.callback()).get(`/api/rooms/${room}/messages`).expect(200);
    expect(page.body.events.map(({ text }: { text: string }) => text)).toEqual(["second life", "goes on"]);
  }, 60_000);

  test("cannot be the lobby", async () => {
    const chat = await open();
    await expect(chat.rooms.remove("lobby")).rejects.toMatchObject({ code: "not_allowed" });
  });
});
