import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { type App, createApp, type FollowedEvent } from "../../server/index.ts";
import { openStream } from "../../server/testing.ts";
import { clientId } from "../support/app.ts";
import { createDatabase } from "../support/database.ts";
import { OPERATOR_SECRET } from "../support/operator.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

let database: Awaited<ReturnType<typeof createDatabase>>;
let chat: App;
let other: App;
let people = 0;

beforeAll(async () => {
  database = await createDatabase();
  const options = { database: database.url, testClock: true, operatorSecret: OPERATOR_SECRET, limits: false } as const;
  chat = await createApp(options);
  other = await createApp(options);
});
afterAll(async () => {
  await chat?.close();
  await other?.close();
  await database?.drop();
});

type Person = { id: string; token: string };

async function person(): Promise<Person> {
  people += 1;
  const { body } = await request(chat.callback())
    .post("/api/session")
    .send({ nickname: `Guest ${people}` })
    .expect(201);
  return { id: body.member.id, token: body.token };
}

function as({ token }: Person, path: string, app = chat) {
  return request(app.callback()).post(path).set("authorization", `Bearer ${token}`);
}

const post = (who: Person, room = "lobby") =>
  as(who, `/api/rooms/${room}/messages`).send({ id: clientId(), text: "hi" });

async function newRoom(settings: object = {}): Promise<{ slug: string; owner: Person }> {
  const owner = await person();
  const slug = `clock-${people}`;
  await as(owner, "/api/rooms").send({ slug }).expect(201);
  if (Object.keys(settings).length > 0) await as(owner, `/api/rooms/${slug}/settings`).send(settings).expect(200);
  return { slug, owner };
}

async function kindsIn(room: string): Promise<string[]> {
  const kinds: string[] = [];
  for await (const { kind, seq } of chat.events(room, { after: 0 }) as AsyncGenerator<FollowedEvent>) {
    kinds.push(kind);
    if (seq === (await chat.rooms.find(room))?.head) break;
  }
  return kinds;
}

describe("the clock of a test", () => {
  test("has somebody leave whose grace has passed, at any node, and everyone who is connected stays", async () => {
    const { slug } = await newRoom();
    const [gone, here] = [await person(), await person()];
    await as(gone, `/api/rooms/${slug}/enter`, other).expect(200);
    const stream = await openStream(other.callback(), { room: slug, token: here.token });
    await as(here, `/api/rooms/${slug}/enter`).expect(200);
    await chat.clock.advance(29 * SECOND);
    expect(await kindsIn(slug)).toEqual(["enter", "enter"]);
    await chat.clock.advance(2 * SECOND);
    expect(await kindsIn(slug)).toEqual(["enter", "enter", "leave"]);
    expect((await chat.rooms.members(slug)).map(({ id }) => id)).toEqual([here.id]);
    const [, left] = await stream.events(2);
    expect(left).toMatchObject({ kind: "leave", member: { id: gone.id } });
    expect(Math.abs(Date.parse(left?.at ?? "") - chat.clock.now().getTime())).toBeLessThan(10 * SECOND);
    await stream.close();
  });

  test("ends sessions, which using them renews", async () => {
    const [idle, busy] = [await person(), await person()];
    await chat.clock.advance(20 * DAY);
    const renewed = await post(busy).expect(201);
    await chat.clock.advance(11 * DAY);
    await post(idle).expect(401);
    await post({ ...busy, token: renewed.body.token }).expect(201);
  });

  test("lifts bans, ends slow mode's wait, and lets the time for edits pass", async () => {
    const { slug, owner } = await newRoom({ slowSeconds: 60 });
    const guest = await person();
    const { body } = await post(guest, slug).expect(201);
    expect((await post(guest, slug).expect(429)).body.code).toBe("slow_mode");
    await chat.clock.advance(61 * SECOND);
    await post(guest, slug).expect(201);
    const ban = { member: guest.id, act: "silence", minutes: 10 };
    await as(owner, `/api/rooms/${slug}/bans`).send(ban).expect(201);
    await chat.clock.advance(9 * MINUTE);
    expect((await post(guest, slug).expect(403)).body.code).toBe("silenced");
    await chat.clock.advance(2 * MINUTE);
    await post(guest, slug).expect(201);
    const edit = (text: string) =>
      as(guest, `/api/rooms/${slug}/messages/${body.event.seq}/edit`).send({ id: clientId(), text });
    await edit("in time").expect(201);
    await chat.clock.advance(5 * MINUTE);
    expect((await edit("too late").expect(409)).body.code).toBe("too_late");
  });

  test("has a user leave for whom the host has posted", async () => {
    await chat.post("lobby", { id: "user-1", nickname: "Ann" }, "hello");
    expect((await chat.rooms.members("lobby")).map(({ id }) => id)).toContain("user-1");
    await chat.clock.advance(31 * SECOND);
    expect((await chat.rooms.members("lobby")).map(({ id }) => id)).not.toContain("user-1");
  });

  test("is needed before an app is opened, and never goes back", async () => {
    const plain = await createApp({ database: database.url });
    await expect(plain.clock.advance(1)).rejects.toThrow("testClock");
    await plain.close();
    await expect(chat.clock.advance(-1)).rejects.toThrow(TypeError);
  });
});
